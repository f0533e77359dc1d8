/** Participants as XState actors: in Tandem's system, and in the user's own machines. */
import test from 'ava';
import { createRedisMock } from 'js-redis-server';
import { createActor, setup, waitFor } from 'xstate';
import type { InspectionEvent } from 'xstate';
import { sessionMachine } from '../../examples/in-your-machine.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { until } from '../_wait.ts';

let redis: Awaited<ReturnType<typeof createRedisMock>>;
let url: string;

test.before(async () => {
  redis = await createRedisMock();
  const [address] = redis.addresses();
  url = `redis://${address!.host}:${address!.port}`;
});
test.after.always(() => redis?.close());

const definition = { 'key/*': json<number>() };

test.serial(
  'a participant is an actor: its snapshot has the mode, and subscribers get its changes',
  async (t) => {
    const tandem = connect({ redis: url });
    const follower = tandem.follow(defineSpace('observed', definition));
    t.is(follower.getSnapshot().mode, 'recovering');
    t.is(follower.getSnapshot().status, 'active');
    const modes: string[] = [];
    // An actor publishes its snapshot after each event, changed or not.
    follower.subscribe(({ mode }) => void (mode !== modes.at(-1) && modes.push(mode)));
    let completed = false;
    follower.subscribe({ complete: () => (completed = true) });
    await follower.ready();
    t.is(follower.mode, 'connected');
    follower.send({ type: 'stop' });
    t.deepEqual(modes, ['connected', 'stopped']);
    t.true(completed);
    t.is(follower.getSnapshot().status, 'done');
    await tandem.stop();
  },
);

test.serial('mode events name both modes and the reason', async (t) => {
  const tandem = connect({ redis: url });
  const owner = tandem.own(defineSpace('modes', definition));
  const events: unknown[] = [];
  const subscription = owner.on('mode', (event) => events.push(event));
  await owner.ready();
  t.deepEqual(events, [{ type: 'mode', mode: 'connected', from: 'recovering', reason: 'caught up' }]);
  subscription.unsubscribe();
  await tandem.stop();
  t.is(events.length, 1);
});

test.serial('changes can be sent as events; an invalid one is reported, and the actor goes on', async (t) => {
  const tandem = connect({ redis: url });
  const owner = tandem.own(defineSpace('sent', definition));
  const codes: string[] = [];
  owner.on('error', ({ error }) => codes.push(error.code));
  owner.send({ type: 'set', key: 'key/a', value: 1 } as never);
  owner.send({ type: 'set', key: 'else', value: 1 } as never);
  owner.send({ type: 'unheard of' });
  t.is(owner.get('key/a').value, 1);
  t.deepEqual(codes, ['UNKNOWN_KEY']);
  t.is(owner.getSnapshot().status, 'active');
  owner.send({ type: 'delete', key: 'key/a' } as never);
  t.is(owner.get('key/a').value, undefined);
  await tandem.stop();
});

test.serial('an inspector sees all actors and machines of a Tandem in one system', async (t) => {
  const actors = new Set<string>();
  const roots = new Set<string>();
  const tandem = connect({
    redis: url,
    inspect: (event: InspectionEvent) => {
      if (event.type !== '@xstate.actor') return;
      actors.add((event.actorRef as unknown as { id: string }).id);
      roots.add(event.rootId);
    },
  });
  const space = defineSpace('inspected', definition);
  await tandem.own(space).ready();
  await tandem.follow(space).ready();
  for (const id of ['owner:inspected', 'follower:inspected', 'connection', 'ownership'])
    t.true(actors.has(id), id);
  t.is(roots.size, 1);
  await tandem.stop();
});

test.serial("participants invoked or spawned by a user's machine live and end with it", async (t) => {
  const tandem = connect({ redis: url });
  const session = createActor(sessionMachine(tandem)).start();
  const { follower } = session.getSnapshot().context.follower.getSnapshot();
  await follower.ready();
  t.deepEqual(tandem.spaces, ['signals']);
  session.send({ type: 'open' });
  session.send({ type: 'signal', name: 'momentum', side: 'buy' });
  await until(() => follower.get('signal/momentum').value !== undefined, 'the signal at the follower');
  t.deepEqual(follower.get('signal/momentum').value, { side: 'buy' });

  session.send({ type: 'close' });
  await until(
    () => (tandem.get('signals') as unknown) === follower,
    'the end of the owner, behind the machine',
  );
  t.is(follower.mode, 'connected');
  session.stop();
  t.is(follower.mode, 'stopped');
  t.deepEqual(tandem.spaces, []);
  await tandem.stop();
});

test.serial('a second owner in one process fails like any actor', async (t) => {
  const tandem = connect({ redis: url });
  const space = defineSpace('twice', definition);
  const first = tandem.own(space);
  const machine = setup({ actors: { owner: tandem.ownerLogic(space) } }).createMachine({
    initial: 'owning',
    states: {
      owning: { invoke: { src: 'owner', onError: 'refused' } },
      refused: {},
    },
  });
  const session = createActor(machine).start();
  await waitFor(session, (snapshot) => snapshot.matches('refused'), { timeout: 1_000 });
  await first.ready();
  t.is(first.mode, 'connected');
  session.stop();
  await tandem.stop();
});
