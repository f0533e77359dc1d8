/** An API process: follows the space, watches it, and reads it by chance. */
import { connect } from '../../src/index.ts';
import { Random } from '../simulation/random.ts';
import { EDITED, idOf, seen, space } from '../simulation/space.ts';
import { serve } from './child.ts';
import type { FollowerTask } from './orders.ts';
import { now, Recorder } from './recorder.ts';

/** How often a state is also read from within a watch. */
const READ_WHEN_TOLD = 0.05;
const [SOON_MS, LATE_MS] = [5, 80];

const { id, redis, file, seed, direct } = JSON.parse(process.argv[2]!) as FollowerTask;
const recorder = new Recorder(file);
const random = new Random(seed);
const { note } = recorder;
let awaited = '0-0';

const tandem = connect({ redis, name: id });
const participant = tandem.follow(space, direct === undefined ? {} : { direct });
recorder.write({ type: 'follows', at: now(), follower: id, direct: direct !== undefined });
participant.on('sync', ({ head }) => note({ type: 'sync', at: recorder.turnAt(), follower: id, head }));
participant.watch('*', ({ key, value, position }) => {
  // Where someone else edits, a value says nothing of who set it.
  const told = { key, id: key.startsWith(EDITED) ? null : idOf(value), position, head: participant.head };
  note({ type: 'told', at: recorder.turnAt(), follower: id, ...told });
  awaited = participant.head;
  if (random.chance(READ_WHEN_TOLD)) read();
});
let isBusy = true;
serve(id, participant, tandem, recorder, {
  rest: () => {},
  wake: () => {},
  stopped: () => {
    isBusy = false;
    recorder.write({ type: 'unfollows', at: now(), follower: id });
  },
});
loop();

/** The time first: what is read is no older. */
function read(): void {
  const at = recorder.turnAt();
  const { head } = participant;
  // Read in this order: time passes between the two, and only makes it staler.
  const { staleMs, freshness, source, ownerAlive } = participant.get('alone');
  const state = seen(participant.entries());
  note({ type: 'read', at, follower: id, head, freshness, staleMs, source, ownerAlive, state });
}

function loop(): void {
  setTimeout(
    () => {
      if (!isBusy) return;
      read();
      if (random.chance(0.03)) void wait();
      if (random.chance(0.005)) participant.refresh().catch(() => {});
      loop();
    },
    random.between(SOON_MS, LATE_MS),
  );
}

/** For a change that has not come yet. */
async function wait(): Promise<void> {
  const [epoch, revision] = awaited.split('-');
  const position = `${epoch}-${Number(revision) + 1}`;
  const came = await participant.waitFor(position, { timeoutMs: 500 }).then(
    () => true,
    () => false,
  );
  if (came) note({ type: 'waited', at: recorder.turnAt(), follower: id, position, head: participant.head });
}
