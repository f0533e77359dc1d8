import test from 'ava';
import { Waiting } from '../../src/http/page/waiting.ts';

test('what is on its way for a moment does not wait', (t) => {
  const waiting = new Waiting();
  t.is(waiting.look({ head: 5, confirmed: 3 }, 0), undefined);
  t.is(waiting.look({ head: 9, confirmed: 7 }, 400), undefined);
  t.is(waiting.look({ head: 14, confirmed: 12 }, 800), undefined);
});

test('what Redis takes none of waits since the first of it was set', (t) => {
  const waiting = new Waiting();
  t.is(waiting.look({ head: 5, confirmed: 5 }, 0), undefined);
  t.is(waiting.look({ head: 6, confirmed: 5 }, 1_000), undefined);
  t.deepEqual(waiting.look({ head: 90, confirmed: 5 }, 3_000), { changes: 85, since: 1_000 });
  t.is(waiting.look({ head: 90, confirmed: 90 }, 3_100), undefined);
});
