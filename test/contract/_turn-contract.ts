/** The contract of large turns: staged beside the live keys, put in force in one step, then settled. */
import type { Change } from '../../src/state/change.ts';
import { decodeMessage } from '../../src/state/message.ts';
import type { Part } from '../../src/state/part.ts';
import type { Frame } from '../../src/state/frame.ts';
import { isSame, ZERO } from '../../src/state/position.ts';
import type { Head, LargeCut, Page, Store } from '../../src/ports/store.ts';
import { until } from '../_wait.ts';
import type { Changes, Contract, Ear, Stage } from './_store-contract.ts';
import { readAll, texts, Writer } from './_store-contract.ts';

/** So many keys, and a delete, take three portions, and five calls to settle. */
const KEYS = 2_100;

const turnOf = (json: string, count = KEYS): Changes =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key/${at}`, json]));

const BEFORE: Changes = { 'key/0': '"old"', 'key/2090': '"old"', gone: '"old"', kept: '"old"' };
const TURN: Changes = { ...turnOf('"new"'), gone: '' };
const AFTER: Changes = { kept: '"old"', ...turnOf('"new"') };

/** A cut of all these changes, in one turn. */
function largeCut(writer: Writer, changes: Changes, over: Partial<LargeCut> = {}): LargeCut {
  const { dropped: _, digest: __, ...cut } = writer.cut(changes);
  return { ...cut, digest: () => 7, ...over };
}

/** Calls `at` before each change that begins a portion: all calls before it were sent, none after it. */
function* stepped(changes: Iterable<Change>, at: (portion: number) => void): Iterable<Change> {
  let count = 0;
  for (const change of changes) {
    if (count % 1_000 === 0) at(count / 1_000);
    count += 1;
    yield change;
  }
}

async function commitTurn(writer: Writer, changes: Changes, over: Partial<LargeCut> = {}) {
  const reply = await writer.store.commitTurn(writer.space, largeCut(writer, changes, over));
  if (reply.outcome === 'committed') writer.head = { epoch: reply.head.epoch, revision: reply.head.revision };
  return reply;
}

const settleOnce = ({ store, space, owner, line }: Writer) => store.settle(space, owner, line.epoch, 60_000);

/** Settles to the end, and returns the number of calls. */
async function settle(writer: Writer): Promise<number> {
  for (let calls = 1; ; calls += 1) {
    const { outcome, head } = await settleOnce(writer);
    if (outcome !== 'settled') throw new Error(outcome);
    if (head.unsettled === 0) return calls;
  }
}

/** What a reader holds, after it has read everything since a position on top of what it held then. */
async function seenBy(store: Store, space: string, limit: number, from = ZERO, held: Changes = {}) {
  const { pages, changes, full } = await readAll(store, space, from, limit);
  const state = new Map(Object.entries(full ? {} : held));
  for (const { key, json } of changes)
    if (json === '') state.delete(key);
    else state.set(key, json);
  return { head: pages.at(-1)!.head, state: Object.fromEntries(state) };
}

/** The messages of a turn. */
class TurnEar {
  readonly parts: Part[] = [];
  readonly frames: Frame[] = [];
  readonly deliver: Ear['deliver'] = (text) => {
    const message = decodeMessage(text);
    if (message.is === 'part') this.parts.push(message.part);
    if (message.is === 'frame') this.frames.push(message.frame);
  };
}

/** That a turn is seen whole, and can be settled. */
export function turnBasics(contract: Contract): void {
  contract('a turn is staged and published in parts, and then in force in one step', async (t, stage) => {
    const { writer, other, space, rig } = stage;
    await writer.claim();
    await writer.commit(BEFORE);
    const before = writer.head;
    const ear = new TurnEar();
    await other.subscribe(space, ear.deliver);
    const { outcome, head } = await commitTurn(writer, TURN);
    t.is(outcome, 'committed');
    t.is(head.unsettled, KEYS + 1);
    t.false(head.keysLost);
    t.deepEqual((await seenBy(other, space, 10_000)).state, AFTER);
    await until(() => ear.frames.length === 1, 'the frame');
    const [frame] = ear.frames;
    t.deepEqual([frame!.prev, frame!.revision, frame!.digest], [before.revision, head.revision, 7]);
    t.deepEqual(
      ear.parts.map(({ number }) => number),
      [1, 2, 3],
    );
    t.deepEqual(new Set(ear.parts.map(({ attempt }) => attempt)), new Set([frame!.turn!.attempt]));
    t.is(frame!.turn!.parts, 3);
    t.deepEqual(
      ear.parts.flatMap(({ changes }) => changes),
      [...writer.cut(TURN, { prev: before }).changes],
    );
    t.is(await settle(writer), 5);
    t.deepEqual((await rig.dump(space)).state, AFTER);
    t.false(await rig.isStaging(space), 'nothing is left beside the live keys');
    const { head: settled } = await seenBy(other, space, 10_000);
    t.deepEqual([settled.size, settled.unsettled, settled.keysLost], [KEYS + 1, 0, false]);
  });
}

export function turnContract(contract: Contract): void {
  turnBasics(contract);

  for (const limit of [60, 500, 10_000]) {
    contract(
      `in pages of ${limit}, readers see all of a turn or nothing of it, at each step`,
      async (t, stage) => {
        const { writer, other, store, space } = stage;
        await writer.claim();
        await writer.commit(BEFORE);
        const before = writer.head;
        const look = async (expected: Changes, what: string): Promise<void> => {
          // A reader of all, and one that held the state before the turn.
          for (const from of [ZERO, before]) {
            const { head, state } = await seenBy(limit === 60 ? store : other, space, limit, from, BEFORE);
            t.deepEqual(state, expected, what);
            t.false(head.keysLost, what);
          }
        };
        // On one connection, what is asked between two portions is answered between them.
        const looks: Promise<Page>[] = [];
        const changes = stepped(writer.cut(TURN).changes, () => looks.push(store.since(space, before, 100)));
        t.is((await commitTurn(writer, TURN, { changes })).outcome, 'committed');
        t.is(looks.length, 3);
        for (const { changes, head } of await Promise.all(looks))
          t.deepEqual([changes, head.revision, head.unsettled], [[], before.revision, 0]);
        await look(AFTER, 'in force');
        for (let unsettled = 1; unsettled > 0;) {
          ({ unsettled } = (await settleOnce(writer)).head);
          await look(AFTER, `with ${unsettled} unsettled`);
        }
      },
    );
  }

  contract('a turn may have long values, short ones and deletes in any order', async (t, stage) => {
    const { writer, other, space, rig } = stage;
    await writer.claim();
    await writer.commit({ gone: '1', kept: '2' });
    const before = writer.head;
    const ear = new TurnEar();
    await other.subscribe(space, ear.deliver);
    const long = (name: string): string => `"${name}${'é'.repeat(300_000)}"`;
    const turn = { a: long('a'), gone: '', b: long('b'), c: '3', d: long('d') };
    t.is((await commitTurn(writer, turn)).outcome, 'committed');
    await until(() => ear.frames.length === 1, 'the frame');
    t.deepEqual(
      ear.parts.flatMap(({ changes }) => changes),
      [...writer.cut(turn, { prev: before }).changes],
    );
    await settle(writer);
    const { gone: _, ...live } = turn;
    t.deepEqual((await rig.dump(space)).state, { ...live, kept: '2' });
  });

  contract(
    'a reader whose pages were begun before a turn ends with all of it',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit({ ...BEFORE, ...turnOf('"old"', 300) });
      let steps = 0;
      const { changes } = await readAll(store, space, ZERO, 100, async () => {
        steps += 1;
        if (steps === 1) await commitTurn(writer, TURN);
        else if (steps > 3) await settleOnce(writer);
      });
      t.deepEqual(texts(lastOf(changes)), AFTER);
    },
  );

  contract(
    'what was committed since a turn is never settled over',
    async (t, { writer, store, space, rig }) => {
      await writer.claim();
      await writer.commit(BEFORE);
      await commitTurn(writer, TURN);
      const later: Changes = {
        'key/5': '"later"',
        'key/2000': '',
        'key/2099': '"later"',
        gone: '"back"',
        fresh: '1',
      };
      t.is((await writer.commit(later)).outcome, 'committed', 'a full commit');
      t.is(
        (await store.commit(space, writer.cut({ 'key/1': '"light"' }, { isLight: true }))).outcome,
        'committed',
      );
      const expected: Changes = { ...AFTER, ...later, 'key/1': '"light"' };
      delete (expected as Record<string, string>)['key/2000'];
      for (let unsettled = 1; unsettled > 0;) {
        t.deepEqual((await seenBy(store, space, 300)).state, expected);
        ({ unsettled } = (await settleOnce(writer)).head);
      }
      const { head, state } = await seenBy(store, space, 300);
      t.deepEqual(state, expected);
      t.deepEqual((await rig.dump(space)).state, expected);
      t.deepEqual([head.size, head.keysLost], [Object.keys(expected).length, false]);
    },
  );

  for (const at of [1, 2, 3]) {
    contract(
      `a rival's claim before portion ${at} ends a turn, and nothing of it is seen`,
      async (t, stage) => {
        const { writer, rival, store, rig, space } = stage;
        await writer.claim();
        await writer.commit(BEFORE);
        const onSame = new Writer(store, space, rival.owner);
        let claimed: Promise<unknown> | undefined;
        const changes = stepped(writer.cut(TURN).changes, (portion) => {
          if (portion === at - 1) claimed = onSame.claim({ known: writer.line.epoch + 1 });
        });
        t.is((await commitTurn(writer, TURN, { changes })).outcome, 'fenced');
        await claimed;
        t.is((await settleOnce(writer)).outcome, 'fenced');
        t.deepEqual((await seenBy(store, space, 250)).state, BEFORE);
        t.false(await rig.isStaging(space), 'what was staged is gone');
        t.is((await onSame.commit({ mine: '1' })).outcome, 'committed');
      },
    );
  }

  for (const settled of [0, 1, 4]) {
    contract(
      `a rival that claims after ${settled} calls to settle has the whole turn, and settles it`,
      async (t, stage) => {
        const { writer, rival, rig, space, other } = stage;
        await writer.claim();
        await writer.commit(BEFORE);
        await commitTurn(writer, TURN);
        for (let calls = 0; calls < settled; calls += 1) await settleOnce(writer);
        await rig.expire(space);
        const { outcome, head } = await rival.claim();
        t.deepEqual([outcome, head.keysLost, head.unsettled], ['claimed', false, KEYS + 1 - 500 * settled]);
        t.true(isSame(head, writer.head));
        t.is((await settleOnce(writer)).outcome, 'fenced');
        t.is((await rival.commit({ 'key/2099': '"rival"' })).outcome, 'committed');
        await settle(rival);
        const expected = { ...AFTER, 'key/2099': '"rival"' };
        t.deepEqual((await seenBy(other, space, 250)).state, expected);
        t.deepEqual((await rig.dump(space)).state, expected);
      },
    );
  }

  for (const at of [0, 1, 2]) {
    contract(`a turn that was given up at portion ${at} is begun anew, and is whole`, async (t, stage) => {
      const { writer, store, rig, space } = stage;
      await writer.claim();
      await writer.commit(BEFORE);
      const changes = stepped(writer.cut({ ...TURN, never: '"never"' }).changes, (portion) => {
        if (portion === at) throw new Error('the connection is lost');
      });
      await t.throwsAsync(commitTurn(writer, {}, { changes }), { message: 'the connection is lost' });
      t.is((await commitTurn(writer, TURN)).outcome, 'committed');
      await settle(writer);
      t.deepEqual((await seenBy(store, space, 250)).state, AFTER);
      t.deepEqual((await rig.dump(space)).state, AFTER);
    });
  }

  contract('the portions of a turn that was given up never get into the next one', async (t, stage) => {
    const { writer, store, space, rig } = stage;
    await writer.claim();
    const cuts = [turnOf('"first"'), turnOf('"second"', 1_500)].map((changes) => largeCut(writer, changes));
    // On one connection their calls take turns, and the second has begun by the time of the first's second call.
    const [first, second] = await Promise.all(cuts.map((cut) => store.commitTurn(space, cut)));
    t.deepEqual([first!.outcome, second!.outcome], ['head_moved', 'committed']);
    await settle(writer);
    t.deepEqual((await rig.dump(space)).state, turnOf('"second"', 1_500));
  });

  contract('a turn whose reply was lost is found done', async (t, { writer, store, space }) => {
    await writer.claim();
    const cut = largeCut(writer, TURN);
    await store.commitTurn(space, cut);
    const { outcome, head } = await store.commitTurn(space, cut);
    t.deepEqual([outcome, head.revision, head.unsettled], ['head_moved', cut.revision, KEYS + 1]);
    await settle(writer);
    t.is((await store.commitTurn(space, cut)).outcome, 'head_moved');
  });

  contract('to settle again changes nothing, and before a claim nothing is settled', async (t, stage) => {
    const { writer, rig, space } = stage;
    t.is((await settleOnce(writer)).outcome, 'head_moved');
    await writer.claim();
    await commitTurn(writer, TURN);
    await settle(writer);
    const before = await rig.dump(space);
    t.is((await settleOnce(writer)).outcome, 'settled');
    t.deepEqual(await rig.dump(space), before);
  });

  contract('a turn on top of another head, or while keys are lost, is not put in force', async (t, stage) => {
    const { writer, store, rig, space } = stage;
    await writer.claim();
    await writer.commit(BEFORE);
    const { revision, epoch } = writer.head;
    const wrong = await store.commitTurn(
      space,
      largeCut(writer, TURN, { prev: { epoch, revision: revision - 1 } }),
    );
    t.is(wrong.outcome, 'head_moved');
    await rig.hdel(space, 'kept');
    t.is((await commitTurn(writer, TURN)).outcome, 'keys_lost');
    t.is((await headOf(store, space)).revision, revision);
  });

  for (const [harm, run] of [
    ['a live value is deleted', (stage: Stage) => stage.rig.hdel(stage.space, 'kept')],
    ['a list is put at its values', (stage: Stage) => stage.rig.retype(stage.space, 'state:turn', 'list')],
    ['a string is put at its index', (stage: Stage) => stage.rig.retype(stage.space, 'index:turn', 'string')],
  ] as const) {
    contract(
      `where ${harm} while a turn is in force, keys count as lost until all is replaced`,
      async (t, stage) => {
        const { writer, store, rig, space } = stage;
        await writer.claim();
        await writer.commit(BEFORE);
        await commitTurn(writer, TURN);
        await settleOnce(writer);
        await run(stage);
        t.true((await headOf(store, space)).keysLost);
        t.is((await settleOnce(writer)).outcome, 'keys_lost');
        t.true((await writer.claim()).head.keysLost);
        t.true((await headOf(store, space)).keysLost, 'also after a claim');
        t.is((await settleOnce(writer)).outcome, 'keys_lost');
        t.is((await writer.replaceAll(AFTER)).outcome, 'committed');
        const { head, state } = await seenBy(store, space, 250);
        t.deepEqual([head.keysLost, head.unsettled, head.wrongTypes], [false, 0, []]);
        t.deepEqual(state, AFTER);
        t.false(await rig.isStaging(space));
        t.is((await settleOnce(writer)).outcome, 'settled');
      },
    );
  }

  contract(
    'a replacement takes the place of a turn in force, too',
    async (t, { writer, store, space, rig }) => {
      await writer.claim();
      await commitTurn(writer, TURN);
      await settleOnce(writer);
      t.is((await writer.replaceAll({ only: '1' })).outcome, 'committed');
      const { head, state } = await seenBy(store, space, 250);
      t.deepEqual([state, head.unsettled, head.size, head.keysLost], [{ only: '1' }, 0, 1, false]);
      t.is((await settleOnce(writer)).outcome, 'settled');
      t.deepEqual((await rig.dump(space)).state, { only: '1' });
    },
  );

  contract('while a turn is in force, the next one has to wait', async (t, { writer, store, space }) => {
    await writer.claim();
    await commitTurn(writer, TURN);
    t.is((await commitTurn(writer, turnOf('"next"'))).outcome, 'head_moved');
    t.deepEqual((await seenBy(store, space, 250)).state, turnOf('"new"'));
    await settle(writer);
    t.is((await commitTurn(writer, turnOf('"next"'))).outcome, 'committed');
    t.deepEqual((await seenBy(store, space, 250)).state, turnOf('"next"'));
  });

  contract('after a release in the middle, the next owner has the whole turn', async (t, stage) => {
    const { writer, rival, other, space } = stage;
    await writer.claim();
    await commitTurn(writer, TURN);
    await settleOnce(writer);
    await writer.release();
    t.is((await settleOnce(writer)).outcome, 'head_moved');
    t.deepEqual((await seenBy(other, space, 250)).state, turnOf('"new"'));
    t.is((await rival.claim()).outcome, 'claimed');
    await settle(rival);
    t.deepEqual((await seenBy(other, space, 250)).state, turnOf('"new"'));
  });

  contract('large values of a turn are settled a few at a time', async (t, { writer, store, space }) => {
    await writer.claim();
    const large = turnOf(`"${'x'.repeat(200_000)}"`, 6);
    await commitTurn(writer, large);
    t.is(await settle(writer), 3);
    t.deepEqual((await seenBy(store, space, 250)).state, large);
  });
}

async function headOf(store: Store, space: string): Promise<Head> {
  return (await store.since(space, ZERO, 0)).head;
}

/** Each key once, with its latest value. */
function lastOf(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((change) => [change.key, change])).values()];
}
