/** Which pages of a process are under way at once. */
import test from 'ava';
import { PageGate } from '../../src/redis/page-gate.ts';

const MIB = 1024 * 1024;

function setTheStage() {
  const gate = new PageGate();
  const underWay: { space: string; answer: (bytes: number) => void; fail: () => void }[] = [];
  const ask = (space: string): Promise<number> =>
    gate.pass(
      space,
      () =>
        new Promise((resolve, reject) => {
          const leave = (): void => void underWay.splice(underWay.indexOf(page), 1);
          const page = {
            space,
            answer: (bytes: number) => (leave(), resolve(bytes)),
            fail: () => (leave(), reject(new Error('out'))),
          };
          underWay.push(page);
        }),
      (bytes) => bytes,
    );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Has a space read a page of this size. */
  const read = async (space: string, bytes: number): Promise<void> => {
    const asked = ask(space);
    await settle();
    underWay.at(-1)?.answer(bytes);
    await asked;
  };
  return { ask, read, settle, underWay, spaces: () => underWay.map(({ space }) => space) };
}

test('small pages of many spaces are under way at once', async (t) => {
  const { ask, read, settle, spaces } = setTheStage();
  const names = Array.from({ length: 100 }, (_, n) => `s/${n}`);
  for (const name of names) await read(name, 100);
  for (const name of names) void ask(name);
  await settle();
  t.deepEqual(spaces(), names);
});

test('of pages whose size is not known yet, some wait for others', async (t) => {
  const { ask, settle, spaces, underWay } = setTheStage();
  for (let n = 0; n < 40; n += 1) void ask(`s/${n}`);
  await settle();
  t.is(underWay.length, 16);
  while (underWay.length > 0) {
    t.true(underWay.length <= 16);
    underWay[0]?.answer(100);
    await settle();
  }
  t.deepEqual(spaces(), []);
});

test('large pages go in their order, two at a time', async (t) => {
  const { ask, read, settle, spaces, underWay } = setTheStage();
  for (const name of ['a', 'b', 'c', 'small']) await read(name, name === 'small' ? 100 : MIB);
  for (const name of ['a', 'b', 'c', 'small']) void ask(name);
  await settle();
  t.deepEqual(spaces(), ['a', 'b']);
  underWay[1]?.answer(MIB);
  await settle();
  t.deepEqual(spaces(), ['a', 'c'], 'a small page does not overtake a large one for ever');
  underWay[0]?.answer(MIB);
  await settle();
  t.deepEqual(spaces(), ['c', 'small']);
});

test('a page larger than all that may be under way goes alone', async (t) => {
  const { ask, read, settle, spaces, underWay } = setTheStage();
  await read('huge', 8 * MIB);
  void ask('huge');
  void ask('other');
  await settle();
  t.deepEqual(spaces(), ['huge']);
  underWay[0]?.answer(8 * MIB);
  await settle();
  t.deepEqual(spaces(), ['other']);
});

test('a page that fails makes room for the next', async (t) => {
  const { ask, read, settle, spaces, underWay } = setTheStage();
  await read('a', 8 * MIB);
  const failing = ask('a');
  void ask('b');
  await settle();
  underWay[0]?.fail();
  await t.throwsAsync(failing, { message: 'out' });
  await settle();
  t.deepEqual(spaces(), ['b']);
});
