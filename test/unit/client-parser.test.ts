/** The client's parser of server-sent events, beside an independent one. */
import test from 'ava';
import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { eventParser } from '../../src/client/event-parser.ts';

type Event = readonly [type: string, data: string];

function parsed(pieces: readonly string[]): Event[] {
  const events: Event[] = [];
  const parser = eventParser((type, data) => events.push([type, data]));
  for (const piece of pieces) parser.push(piece);
  return events;
}

test('an event has a type, and each of its lines of data', (t) => {
  t.deepEqual(parsed(['event: change\ndata: a\ndata:b\ndata:  c\n\n', 'data\n\n']), [
    ['change', 'a\nb\n c'],
    ['', ''],
  ]);
});

test('comments, ids, other fields and events without data are passed over', (t) => {
  t.deepEqual(parsed([': keep\nid: 1-2\nother: x\n\nevent: none\n\ndata: 1\n\n']), [['', '1']]);
});

test('an event whose end has not come is not told', (t) => {
  t.deepEqual(parsed(['data: 1\n']), []);
});

test('a line ends with a return, a feed or both, also where a piece ends between the two', (t) => {
  t.deepEqual(parsed(['data: 1\r', '\ndata: 2\r\n\r', '\ndata: 3\r\rdata: 4\n', '\n']), [
    ['', '1\n2'],
    ['', '3'],
    ['', '4'],
  ]);
});

test('the pause that the server wants is kept', (t) => {
  const parser = eventParser(() => {});
  t.is(parser.retryMs, undefined);
  parser.push('retry: 10');
  parser.push('00\nretry: soon\n\n');
  t.is(parser.retryMs, 1_000);
});

test('however a stream is cut, its events are those that another parser finds', (t) => {
  const line = fc.oneof(
    fc.constantFrom('', '', 'data', 'data: ', 'event: a', 'data: x', ':', 'id: 3', 'retry: 5'),
    fc.string().map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 30 })
    .map((lines) => lines.flat().join(''));
  const cuts = fc.array(fc.nat(), { maxLength: 8 });
  fc.assert(
    fc.property(stream, cuts, (text, places) => {
      const expected: Event[] = [];
      const other = createParser({ onEvent: ({ event, data }) => expected.push([event ?? '', data]) });
      other.feed(text);
      const at = places.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
      const pieces = [0, ...at].map((from, n) => text.slice(from, at[n] ?? text.length));
      t.deepEqual(parsed(pieces), expected);
    }),
  );
});
