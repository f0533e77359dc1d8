/** The participants as XState actors: in Tandem's system, and in machines of the user's own. */
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
  'a participant is an actor: its snapshot holds the mode, and observers hear of changes',
  async (t) => {
    const tandem = connect({ redis: url });
    const participant = tandem.follow(defineSpace('observed', definition));
    t.is(participant.getSnapshot().mode, 'recovering');
    t.is(participant.getSnapshot().status, 'active');
    const modes: string[] = [];
    // An actor tells its snapshot after each event, changed or not.
    participant.subscribe(({ mode }) => void (mode !== modes.at(-1) && modes.push(mode)));
    let completed = false;
    participant.subscribe({ complete: () => (completed = true) });
    await participant.ready();
    t.is(participant.mode, 'connected');
    participant.send({ type: 'stop' });
    t.deepEqual(modes, ['connected', 'stopped']);
    t.true(completed);
    t.is(participant.getSnapshot().status, 'done');
    await tandem.stop();
  },
);

test.serial('mode events say from where, to where and why', async (t) => {
  const tandem = connect({ redis: url });
  const participant = tandem.own(defineSpace('modes', definition));
  const events: unknown[] = [];
  const subscription = participant.on('mode', (event) => events.push(event));
  await participant.ready();
  t.deepEqual(events, [{ type: 'mode', mode: 'connected', from: 'recovering', reason: 'caught up' }]);
  subscription.unsubscribe();
  await tandem.stop();
  t.is(events.length, 1);
});

test.serial(
  'changes are sent as events too; what is wrong with one is reported, and the actor lives on',
  async (t) => {
    const tandem = connect({ redis: url });
    const participant = tandem.own(defineSpace('sent', definition));
    const codes: string[] = [];
    participant.on('error', ({ error }) => codes.push(error.code));
    participant.send({ type: 'set', key: 'key/a', value: 1 } as never);
    participant.send({ type: 'set', key: 'else', value: 1 } as never);
    participant.send({ type: 'unheard of' });
    t.is(participant.get('key/a').value, 1);
    t.deepEqual(codes, ['UNKNOWN_KEY']);
    t.is(participant.getSnapshot().status, 'active');
    participant.send({ type: 'delete', key: 'key/a' } as never);
    t.is(participant.get('key/a').value, undefined);
    await tandem.stop();
  },
);

test.serial('the inspector sees all actors and machines of a Tandem in one system', async (t) => {
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

test.serial('invoked and spawned in a machine of your own, participants live and end with it', async (t) => {
  const tandem = connect({ redis: url });
  const session = createActor(sessionMachine(tandem)).start();
  const { follower: participant } = session.getSnapshot().context.follower.getSnapshot();
  await participant.ready();
  t.deepEqual(tandem.spaces, ['signals']);
  session.send({ type: 'open' });
  session.send({ type: 'signal', name: 'momentum', side: 'buy' });
  await until(() => participant.get('signal/momentum').value !== undefined, 'the signal at the follower');
  t.deepEqual(participant.get('signal/momentum').value, { side: 'buy' });

  session.send({ type: 'close' });
  await until(
    () => (tandem.get('signals') as unknown) === participant,
    'the owner to end, behind the machine',
  );
  t.is(participant.mode, 'connected');
  session.stop();
  t.is(participant.mode, 'stopped');
  t.deepEqual(tandem.spaces, []);
  await tandem.stop();
});

test.serial('a second owner in one process fails as an actor does', async (t) => {
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
