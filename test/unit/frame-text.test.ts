/** A frame that comes in pieces: however it is cut, it is the frame that it would be as a whole. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { Change } from '../../src/state/change.ts';
import { encodeFrame } from '../../src/state/frame.ts';
import { FrameText } from '../../src/state/frame-text.ts';
import type { Header } from '../../src/state/header.ts';
import { decodeFrame } from '../../src/state/message.ts';
import { check } from '../_check.ts';

const HEADER: Header = {
  epoch: 5,
  base: { epoch: 3, revision: 10 },
  prev: 0,
  revision: 12,
  cutAt: 1,
  leaseMs: 1,
  bye: false,
  digest: 7,
};

function read(pieces: readonly string[]) {
  const text = new FrameText();
  const changes: Change[] = [];
  for (const piece of pieces) {
    text.push(piece);
    changes.push(...text.changes());
  }
  const frame = text.end();
  changes.push(...text.changes());
  return { ...frame, changes };
}

const change = fc.record({
  key: fc.constantFrom('a', 'a/b', 'clé'),
  json: fc.constantFrom('', '1', '{"a":"long, and with a blank"}', '"é"'),
});

test('a frame in any pieces is the whole frame', (t) =>
  check(
    t,
    fc.property(
      fc.array(change, { maxLength: 12 }),
      fc.array(fc.nat(200), { maxLength: 12 }),
      (made, cuts) => {
        const changes = made.map((one, at) => ({ ...one, revision: at + 1 }));
        const text = encodeFrame(1, HEADER, changes);
        const ends = [...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
        const pieces = ends.map((end, at) => text.slice(at === 0 ? 0 : ends[at - 1], end));
        assert.deepEqual(read(pieces), decodeFrame(text));
      },
    ),
  ));

test('the header is there with the first change', (t) => {
  const text = new FrameText();
  text.push('1 0\n3 5 3-10 0 12 1 1');
  t.is(text.head, undefined);
  text.push('000 c\nkey');
  t.is(text.head?.revision, 12);
  t.deepEqual([...text.changes()], []);
});

test('a malformed frame is refused as soon as it shows', (t) => {
  const whole = encodeFrame(1, HEADER, []);
  const wrong = (...pieces: string[]): void =>
    void t.throws(() => read(pieces), { code: 'INVALID_FRAME' }, pieces.join(''));
  wrong('');
  wrong('nothing of the kind');
  wrong('1 0\n3 5 3-10 0 12 x 1 c\n');
  wrong(whole, '\nkey\n13\n1', '\nnext');
  wrong(whole, '\na\n2\n1\nb\n2\n1\n');
  wrong(whole, '\na\n2');
});
