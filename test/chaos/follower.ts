/** An API process: it follows the space, watches it, and reads it at random times. */
import { connect } from '../../src/index.ts';
import { Random } from '../simulation/random.ts';
import { EDITED, idOf, seen, space } from '../simulation/space.ts';
import { serve } from './child.ts';
import type { FollowerTask } from './orders.ts';
import { now, Recorder } from './recorder.ts';

/** The probability that a watch callback also reads the whole state. */
const READ_WHEN_TOLD = 0.05;
const [SOON_MS, LATE_MS] = [5, 80];

const { id, redis, file, seed, direct } = JSON.parse(process.argv[2]!) as FollowerTask;
const recorder = new Recorder(file);
const random = new Random(seed);
const { note } = recorder;
let awaited = '0-0';

const tandem = connect({ redis, name: id });
const follower = tandem.follow(space, direct === undefined ? {} : { direct });
recorder.write({ type: 'follows', at: now(), follower: id, direct: direct !== undefined });
follower.on('sync', ({ head }) => note({ type: 'sync', at: recorder.turnAt(), follower: id, head }));
follower.watch('*', ({ key, value, position }) => {
  // A value that someone else may have edited does not tell who set it.
  const told = { key, id: key.startsWith(EDITED) ? null : idOf(value), position, head: follower.head };
  note({ type: 'told', at: recorder.turnAt(), follower: id, ...told });
  awaited = follower.head;
  if (random.chance(READ_WHEN_TOLD)) read();
});
let isBusy = true;
serve(id, follower, tandem, recorder, {
  rest: () => {},
  wake: () => {},
  stopped: () => {
    isBusy = false;
    recorder.write({ type: 'unfollows', at: now(), follower: id });
  },
});
loop();

/** The time is read first, so that the values read are no older than it says. */
function read(): void {
  const at = recorder.turnAt();
  const { head } = follower;
  // `staleMs` is read before `freshness`: time passes between the two, and a reading only grows staler.
  const { staleMs, freshness, source, ownerAlive } = follower.get('alone');
  const state = seen(follower.entries());
  note({ type: 'read', at, follower: id, head, freshness, staleMs, source, ownerAlive, state });
}

function loop(): void {
  setTimeout(
    () => {
      if (!isBusy) return;
      read();
      if (random.chance(0.03)) void wait();
      if (random.chance(0.005)) follower.refresh().catch(() => {});
      loop();
    },
    random.between(SOON_MS, LATE_MS),
  );
}

/** Waits for a change that has not arrived yet. */
async function wait(): Promise<void> {
  const [epoch, revision] = awaited.split('-');
  const position = `${epoch}-${Number(revision) + 1}`;
  const came = await follower.waitFor(position, { timeoutMs: 500 }).then(
    () => true,
    () => false,
  );
  if (came) note({ type: 'waited', at: recorder.turnAt(), follower: id, position, head: follower.head });
}
