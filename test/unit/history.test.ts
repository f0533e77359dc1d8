/** What a server held before each write. */
import test from 'ava';
import { FakeTime } from '../../src/base/fake-time.ts';
import { History } from '../../src/memory/history.ts';

/** A number that notes what it was before each change. */
class Noted {
  readonly time = new FakeTime();
  readonly history = new History(this.time);
  value = 0;

  set(value: number, keys = 1): void {
    const before = this.value;
    this.history.note(() => (this.value = before), keys);
    this.value = value;
  }
}

test('it goes back to the state of a moment, and what was written at that moment stays', (t) => {
  const noted = new Noted();
  for (const value of [1, 2, 3]) {
    noted.time.skip(10);
    noted.set(value);
  }
  noted.time.skip(5);
  noted.history.rewind(5);
  t.is(noted.value, 3);
  noted.history.rewind(6);
  t.is(noted.value, 2);
  noted.history.rewind(1_000);
  t.is(noted.value, 0);
});

test('it goes back to any time until it drops a note', (t) => {
  const noted = new Noted();
  noted.set(1);
  noted.time.skip(500_000);
  noted.set(2);
  t.is(noted.history.mostMs, Infinity);
  noted.time.skip(200_000);
  noted.set(3);
  t.is(noted.history.mostMs, 700_000);
  noted.history.rewind(700_000);
  t.is(noted.value, 1);
});

test('it keeps the last 100,000 keys', (t) => {
  const noted = new Noted();
  for (let n = 1; n <= 150; n += 1) {
    noted.time.skip(1);
    noted.set(n, 1_000);
  }
  t.is(noted.history.mostMs, 100);
  noted.history.rewind(100);
  t.is(noted.value, 50);
});

test('a write that is larger than all that it keeps can be undone', (t) => {
  const noted = new Noted();
  noted.set(1);
  noted.time.skip(1);
  noted.set(2, 1_000_000);
  noted.time.skip(1);
  noted.history.rewind(1.5);
  t.is(noted.value, 1);
});
