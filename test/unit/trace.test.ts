/** Trace data in frames: it is well-formed or left out, and never makes a frame invalid. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { encodeFrame } from '../../src/state/frame.ts';
import { decodeFrame } from '../../src/state/message.ts';
import { MAX_LINKS, readFrameTrace } from '../../src/state/trace.ts';
import { RevisionNotes } from '../../src/state/revision-notes.ts';
import { check } from '../_check.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const HEADER = {
  epoch: 9,
  base: { epoch: 7, revision: 10 },
  prev: 10,
  revision: 12,
  cutAt: 5,
  leaseMs: 3000,
  bye: false,
};
const CHANGES = [{ key: 'a', revision: 11, json: '1' }];

const numbered = (n: number): string => `00-${'a'.repeat(32)}-${n.toString(16).padStart(16, '0')}-01`;

test('decoding gives back the trace data of a frame as it was published', (t) => {
  const trace = { traceparent: PARENT, tracestate: 'a=1,b=2', links: [numbered(1), numbered(2)] };
  const frame = decodeFrame(encodeFrame(1, { ...HEADER, setAt: 4.125, setErrorMs: 0.25, trace }, CHANGES));
  t.deepEqual([frame.setAt, frame.setErrorMs, frame.trace], [4.125, 0.25, trace]);
});

test('without trace data, the header is unchanged', (t) => {
  const [, header] = encodeFrame(1, HEADER, []).split('\n');
  t.is(header, '3 9 7-10 10 12 5000 3000 c');
});

test('for any trace data, the frame is the same, and the data that is read is well-formed', (t) =>
  check(
    t,
    fc.property(
      fc.array(
        fc.oneof(
          fc.nat(),
          fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
          hostileTrace().map((one) => `t=${JSON.stringify(one).replaceAll(' ', '\\u0020')}`),
          fc
            .tuple(fc.constantFrom('d', 'h', 's', 'e', 'm', 'p', 't', 'z'), fc.nat())
            .map(([name, n]) => `${name}=${n}`),
        ),
      ),
      (measures) => {
        const end = encodeFrame(1, HEADER, []).length;
        const message = encodeFrame(1, HEADER, CHANGES);
        const told = measures.map((one) => ` ${one}`).join('');
        const {
          digest,
          heartbeatMs,
          setAt,
          setErrorMs,
          times: _,
          trace,
          turn,
          ...rest
        } = decodeFrame(message.slice(0, end) + told + message.slice(end));
        assert.deepEqual({ ...rest }, { ...HEADER, isAhead: false, publishedAt: 1, changes: CHANGES });
        for (const number of [setAt, setErrorMs, digest, heartbeatMs])
          assert.ok(number === undefined || (Number.isFinite(number) && number >= 0));
        assert.equal(turn, undefined);
        assert.equal(setAt === undefined, setErrorMs === undefined);
        if (trace === undefined) return;
        for (const one of [trace.traceparent, ...(trace.links ?? [])])
          assert.match(one, /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/);
        assert.ok((trace.links ?? []).length <= MAX_LINKS);
        assert.ok((trace.tracestate ?? '').length <= 512);
      },
    ),
    { numRuns: 1_000 },
  ));

function hostileTrace(): fc.Arbitrary<unknown> {
  const parent = fc.oneof(
    fc.constant(PARENT),
    fc.stringMatching(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/),
    fc.jsonValue(),
  );
  const links = fc.oneof(fc.array(parent, { maxLength: 80, size: 'max' }), fc.jsonValue());
  const tracestate = fc.oneof(fc.string({ maxLength: 700, size: 'max' }), fc.jsonValue());
  return fc.oneof(
    fc.jsonValue(),
    fc.record({ traceparent: parent, links, tracestate }, { requiredKeys: ['traceparent'] }),
  );
}

test('a traceparent without a trace or span, or of an unknown form, is ignored', (t) => {
  for (const traceparent of [
    PARENT.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    PARENT.replace('00f067aa0ba902b7', '0'.repeat(16)),
    PARENT.replace(/^00/, 'ff'),
    PARENT.toUpperCase(),
    `${PARENT}-00`,
    `${PARENT}\n`,
  ])
    t.is(readFrameTrace({ traceparent }), undefined, JSON.stringify(traceparent));
});

test('links beyond the bound are cut off, and a tracestate that is too long is left out', (t) => {
  const links = Array.from({ length: 100 }, (_, n) => numbered(n + 1));
  t.deepEqual(readFrameTrace({ traceparent: PARENT, links })?.links, links.slice(0, MAX_LINKS));
  t.deepEqual(readFrameTrace({ traceparent: PARENT, tracestate: 'a='.padEnd(513, 'x') }), {
    traceparent: PARENT,
  });
  t.deepEqual(readFrameTrace({ traceparent: PARENT, tracestate: 'a=1\nb' }), { traceparent: PARENT });
});

test('the notes give everything noted after a revision, whatever was forgotten and moved', (t) =>
  check(
    t,
    fc.property(
      fc.array(
        fc.record({
          step: fc.integer({ min: -3, max: 5 }),
          what: fc.constantFrom('a', 'b'),
          asked: fc.nat(60),
        }),
        { maxLength: 80 },
      ),
      (steps) => {
        const notes = new RevisionNotes<string>();
        // The model notes each revision. Runs of equal notes are reported once.
        let model: { revision: number; what: string }[] = [];
        const told = (from: number): string[] =>
          model
            .filter(({ revision }) => revision > from)
            .map(({ what }) => what)
            .filter((what, n, all) => what !== all[n - 1]);
        let revision = 0;
        for (const { step, what, asked } of steps) {
          revision = Math.max(1, revision + step);
          notes.note(revision, what);
          model = model.filter((one) => one.revision <= revision);
          const last = model.at(-1);
          // All revisions of a run have the same note.
          if (last?.what === what)
            for (let one = last.revision + 1; one < revision; one += 1) model.push({ revision: one, what });
          model.push({ revision, what });
          assert.deepEqual(notes.since(asked), told(asked));
          assert.equal(notes.from(asked), model.find((one) => one.revision >= asked)?.what);
        }
        const runs = notes.since(0).length;
        notes.moveTo(7);
        assert.equal(notes.since(6).length, runs);
        assert.equal(notes.since(7).length, 0);
      },
    ),
  ));

test('the notes are bounded, and keep the newest', (t) => {
  const notes = new RevisionNotes<number>();
  for (let n = 1; n <= 100_000; n += 1) notes.note(n, n);
  t.true(notes.since(0).length <= 2_048);
  t.is(notes.since(0).at(-1), 100_000);
  t.is(notes.since(99_000).length, 1_000);
});
