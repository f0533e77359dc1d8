/** Watchers: who is called for a key, and what a callback may do to the watches meanwhile. */
import test from 'ava';
import { Watchers } from '../../src/actor/watchers.ts';

function told(patterns: readonly string[], key: string): string[] {
  const watchers = new Watchers<string>();
  const called: string[] = [];
  for (const pattern of patterns) watchers.add(pattern, () => called.push(pattern));
  watchers.tell(key, () => key);
  return called;
}

test('a key calls its own watch, then its families, closest first', (t) => {
  const patterns = ['*', 'a/*', 'a/b/*', 'a/b', 'a/b/c', 'ab/*', 'b/*', '/*'];
  t.deepEqual(told(patterns, 'a/b/c'), ['a/b/c', 'a/b/*', 'a/*', '*']);
  t.deepEqual(told(patterns, 'a/b'), ['a/b', 'a/*', '*']);
  t.deepEqual(told(patterns, 'ab/c'), ['ab/*', '*']);
  t.deepEqual(told(patterns, 'a'), ['*']);
  t.deepEqual(told(patterns, '/x'), ['/*', '*']);
  t.deepEqual(told(patterns, 'a//x'), ['a/*', '*']);
});

test('a key that ends where its family begins is not of that family', (t) => {
  t.deepEqual(told(['a/*', '*'], 'a/'), ['*']);
});

test('each watch reads for itself, and nothing is read without one', (t) => {
  const watchers = new Watchers<number>();
  const seen: number[] = [];
  let reads = 0;
  const read = (): number => (reads += 1);
  watchers.tell('a/b', read);
  t.is(reads, 0);
  for (const pattern of ['a/b', 'a/*', '*']) watchers.add(pattern, (reading) => seen.push(reading));
  watchers.tell('a/b', read);
  t.deepEqual(seen, [1, 2, 3]);
});

for (const pattern of ['a/b', 'a/*', '*']) {
  test(`a watch of ${pattern} that is added meanwhile is called from the next frame on`, (t) => {
    const watchers = new Watchers<string>();
    const called: string[] = [];
    let hasAdded = false;
    watchers.add('a/b', () => {
      called.push('first');
      if (!hasAdded) watchers.add(pattern, () => called.push('added'));
      hasAdded = true;
    });
    watchers.tell('a/b', () => '');
    t.deepEqual(called, ['first']);
    watchers.tell('a/b', () => '');
    t.deepEqual(called, ['first', 'first', 'added']);
  });

  test(`a watch of ${pattern} that is ended meanwhile is not called any more`, (t) => {
    const watchers = new Watchers<string>();
    const called: string[] = [];
    watchers.add('a/b', () => end());
    const end = watchers.add(pattern, () => called.push('ended'));
    watchers.tell('a/b', () => '');
    t.deepEqual(called, []);
  });

  test(`each of two equal watches of ${pattern} ends by itself, and a second end does nothing`, (t) => {
    const watchers = new Watchers<string>();
    let calls = 0;
    const count = (): void => void (calls += 1);
    const [one, two] = [watchers.add(pattern, count), watchers.add(pattern, count)];
    one();
    one();
    watchers.tell('a/b', () => '');
    t.is(calls, 1);
    two();
    t.true(watchers.isEmpty);
    const three = watchers.add(pattern, count);
    one();
    two();
    watchers.tell('a/b', () => '');
    t.is(calls, 2);
    three();
    t.true(watchers.isEmpty);
  });
}

test('ten thousand watches of a key, or of a family each, are added and ended in linear time', (t) => {
  const watchers = new Watchers<string>();
  const startedAt = performance.now();
  const ends = Array.from({ length: 20_000 }, (_, n) => watchers.add(n % 2 ? 'key' : `f${n}/*`, () => {}));
  for (const end of ends) end();
  // It takes some 20 ms. A list that is copied for each takes seconds.
  t.true(performance.now() - startedAt < 1_000);
  t.true(watchers.isEmpty);
});
