import test from 'ava';
import { CappedMap } from '../../src/base/capped-map.ts';

test('beyond ten thousand entries, the one that was added first goes', (t) => {
  const map = new CappedMap<number>();
  for (let n = 0; n < 10_000; n += 1) map.set(`space:${n}`, n);
  map.set('space:0', -1);
  t.is(map.size, 10_000, 'one that is there is no new one');
  map.set('one more', 1);
  t.deepEqual(
    [map.size, map.get('space:0'), map.get('space:1'), map.get('one more')],
    [10_000, undefined, 1, 1],
  );
});
