/**
 * Unanswered commands over a client that a test made up: what is written, in which order, and when they are
 * given up.
 */
import test from 'ava';
import { Command } from 'ioredis';
import type { Client } from '../../src/redis/target.ts';
import { bulk } from '../../src/redis/keys.ts';
import { Outgoing, Unanswered } from '../../src/redis/unanswered.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const SKIP = `*3\r\n${bulk('client')}${bulk('reply')}${bulk('skip')}`;

/** As much of an ioredis client as is written to. */
class FakeClient {
  readonly isCluster = false;
  readonly written: string[] = [];
  readonly sent: Command[] = [];
  readonly stream = {
    writableLength: 0,
    isCorked: false,
    write: (text: string) => this.written.push(text),
    cork: () => (this.stream.isCorked = true),
    uncork: () => (this.stream.isCorked = false),
  };

  sendCommand(command: Command): Promise<unknown> {
    this.sent.push(command);
    return command.promise;
  }
}

function setTheStage() {
  const time = new FakeTime();
  const memory = new Unanswered(time);
  memory.want();
  const failures: string[] = [];
  const open = () => {
    const client = new FakeClient();
    const asClient = client as unknown as Client;
    const outgoing = new Outgoing(asClient, time, memory, ({ message }) => failures.push(message));
    const send = (command: Command) => asClient.sendCommand(command) as Promise<unknown>;
    return { client, outgoing, send };
  };
  return { time, failures, open };
}

/** A server that leaves out the reply that it is told to leave out. */
async function tried() {
  const stage = setTheStage();
  const opened = stage.open();
  const trying = opened.outgoing.tryUnanswered(opened.send);
  const [probe] = opened.client.sent;
  probe!.resolve(/([a-z0-9]+)\r\n$/.exec(String(probe!.toWritable(undefined!)))![1]);
  return { ...stage, ...opened, isInStep: await trying };
}

test('nothing is sent unanswered before the server was tried', (t) => {
  const { client, outgoing } = setTheStage().open();
  t.false(outgoing.canSendUnanswered);
  outgoing.sendUnanswered('text');
  t.deepEqual(client.written, []);
});

test('a server that replies to the second command alone is in step', async (t) => {
  const { client, outgoing, isInStep } = await tried();
  t.true(isInStep);
  t.true(outgoing.canSendUnanswered);
  outgoing.sendUnanswered('text');
  t.deepEqual(client.written, [`${SKIP}text`]);
});

test('a server that replies to all is tried again after ten minutes', async (t) => {
  const { time, open } = setTheStage();
  const { client, outgoing, send } = open();
  const trying = outgoing.tryUnanswered(send);
  client.sent[0]!.resolve('OK');
  t.false(await trying);
  t.false(outgoing.canSendUnanswered);

  const second = open();
  t.true(await second.outgoing.tryUnanswered(second.send), 'it does without, and is in step');
  t.deepEqual(second.client.sent, []);
  t.false(second.outgoing.canSendUnanswered);

  time.skip(600_001);
  const third = open();
  void third.outgoing.tryUnanswered(third.send);
  t.is(third.client.sent.length, 1);
});

test('a server that cannot say now is not taken for one that refuses', async (t) => {
  const { open } = setTheStage();
  const { client, outgoing, send } = open();
  const trying = outgoing.tryUnanswered(send);
  client.sent[0]!.reject(Object.assign(new Error('LOADING'), { name: 'ReplyError' }));
  await t.throwsAsync(trying, { code: 'REDIS_NOT_READY' });
  const second = open();
  void second.outgoing.tryUnanswered(second.send);
  t.is(second.client.sent.length, 1, 'the next is tried');
});

test('a reply that must not be ends the client before any reply behind it is handed out', async (t) => {
  const { client, outgoing, send, failures } = await tried();
  const [first, second] = [new Command('get', ['a']), new Command('get', ['b'])];
  const [refused, waits] = [send(first), send(second)];
  let hasReply = false;
  void waits.then(() => (hasReply = true));
  client.sent[1]!.reject(new Error("NOPERM this user has no permissions to run the 'client|reply' command"));
  t.is(failures.length, 1);
  outgoing.end();
  client.sent[2]!.resolve('of another call');
  await t.throwsAsync(refused);
  await new Promise(setImmediate);
  t.false(hasReply);
});

test('another error is no sign of that', async (t) => {
  const { outgoing, failures } = await tried();
  outgoing.notice(new Error('OOM command not allowed'));
  t.deepEqual(failures, []);
});

test('the first command of a turn goes out at once, others when the turn ends, in order', async (t) => {
  const { time, client, outgoing } = await tried();
  outgoing.sendUnanswered('first');
  t.deepEqual(client.written, [`${SKIP}first`]);
  outgoing.sendUnanswered('second');
  t.true(client.stream.isCorked);
  outgoing.sendUnanswered('third');
  t.is(client.written.length, 1);
  outgoing.gather();
  t.deepEqual(client.written.slice(1), [`${SKIP}second${SKIP}third`], 'before a command that is answered');
  outgoing.sendUnanswered('fourth');
  await time.settle();
  t.deepEqual(client.written.slice(2), [`${SKIP}fourth`]);
  t.false(client.stream.isCorked);
});

test('a socket is backed up by what it held before this turn, not by what the turn gathers', async (t) => {
  const { time, client, outgoing } = await tried();
  outgoing.gather();
  outgoing.gather();
  client.stream.writableLength = 100_000;
  t.true(outgoing.canSendUnanswered, 'all of that is of this turn');
  await time.settle();
  t.false(outgoing.canSendUnanswered, 'it has not gone out');
  client.stream.writableLength = 0;
  t.true(outgoing.canSendUnanswered);
});

test('nothing goes out after the end', async (t) => {
  const { time, client, outgoing } = await tried();
  outgoing.gather();
  outgoing.gather();
  outgoing.sendUnanswered('waits');
  outgoing.end();
  outgoing.sendUnanswered('late');
  await time.settle();
  t.deepEqual(client.written, []);
  t.false(outgoing.canSendUnanswered);
});
