/** Who listens to which channel. */
import test from 'ava';
import { Subscriptions } from '../../src/redis/subscriptions.ts';

test('a message reaches each listener of its channel once, and nobody else', (t) => {
  const subscriptions = new Subscriptions();
  const heard: string[] = [];
  const [a, b] = [(message: string) => heard.push(`a ${message}`), (m: string) => heard.push(`b ${m}`)];
  subscriptions.add('one', a);
  subscriptions.add('one', a);
  subscriptions.add('one', b);
  subscriptions.add('two', b);
  subscriptions.deliver('one', '1');
  subscriptions.deliver('two', '2');
  subscriptions.deliver('three', '3');
  t.deepEqual(heard, ['a 1', 'b 1', 'b 2']);
});

test('the last listener of a channel is the last once', (t) => {
  const subscriptions = new Subscriptions();
  const [a, b] = [() => {}, () => {}];
  t.false(subscriptions.remove('one', a), 'there was none');
  subscriptions.add('one', a);
  subscriptions.add('one', b);
  t.false(subscriptions.remove('one', a));
  t.true(subscriptions.remove('one', b));
  t.false(subscriptions.remove('one', b));
});
