/** A long text as buffers of one length. */
import test from 'ava';
import * as fc from 'fast-check';
import { PIECE_BYTES, Pieces } from '../../src/base/pieces.ts';
import { check } from '../_check.ts';

function piecesOf(parts: readonly string[]): Buffer[] {
  const taken: Buffer[] = [];
  const pieces = new Pieces((piece) => void taken.push(piece));
  for (const part of parts) pieces.add(part);
  pieces.end();
  return taken;
}

test('whatever the parts are, nothing is lost, and each piece but the last is full', async (t) => {
  const part = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.integer({ min: 0, max: 20_000 }))
    .map(([text, times]) => text.repeat(Math.ceil(times / 10)));
  await check(
    t,
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const taken = piecesOf(parts);
      const isWhole = Buffer.concat(taken).toString() === parts.join('');
      return (
        isWhole && taken.slice(0, -1).every(({ length }) => length > PIECE_BYTES - 4 && length <= PIECE_BYTES)
      );
    }),
  );
});

test('a character is never cut, wherever a piece ends', (t) => {
  for (const ahead of ['', 'a', 'ab', 'abc']) {
    const text = ahead + '😀'.repeat(PIECE_BYTES);
    const taken = piecesOf([text]);
    t.is(taken.map(String).join(''), text);
    t.false(taken.some((piece) => String(piece).includes('\ufffd')));
  }
});

test('a short text is one piece, and an empty one is none', (t) => {
  t.deepEqual(piecesOf([]), []);
  t.deepEqual(piecesOf(['', '']), []);
  t.deepEqual(piecesOf(['short', ' text']).map(String), ['short text']);
});
