/** An owner that is stopped in the turn in which it began. */
import test from 'ava';
import { kit, trading } from '../_kit.ts';

test('an owner that stops at once commits, and has released its space', async (t) => {
  const { time, join } = kit(t);
  const owner = join('trader').own(trading);
  owner.set('regime', 'bull');
  const told: string[] = [];
  owner.on('ownerChanged', ({ owner: state }) => told.push(state));
  const stopped = owner.stop();
  await time.advance(1_000);
  t.deepEqual(await stopped, { uncommitted: [] });
  t.deepEqual(told, ['alive', 'released']);
  t.is(owner.status.owner, 'released');
  const follower = join('api').follow(trading);
  await time.advance(1_000);
  t.is(follower.get('regime').value, 'bull');
  t.is(follower.status.owner, 'released');
});
