/**
 * The process around a Redis server that the demo has started: `redis-server` or `valkey-server` as a child,
 * or the embedded server in this process. It ends with its server, and the server ends with it, even when
 * `start.ts` is killed.
 *
 * Arguments: the program, or `embedded`; the port; the working directory.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createRedisServer } from 'js-redis-server';
import { giveUp, onEnd } from './lifecycle.ts';
import { send } from './messages.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 5_000;
const ASK_AGAIN_MS = 20;
const KILL_AFTER_MS = 1_000;

const [program = 'embedded', portText = '', directory = ''] = process.argv.slice(2);
const port = Number(portText);

if (program === 'embedded') await runEmbedded();
else await runProgram();

async function runEmbedded(): Promise<void> {
  const { server } = (await createRedisServer()).server;
  // js-redis-server listens on every interface, but a Redis without a password must be reachable only from
  // this machine.
  await new Promise((resolve) => server.close(resolve));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, resolve);
  });
  // Nagle's algorithm would hold some replies back for 40 ms.
  server.on('connection', (socket) => socket.setNoDelay(true));
  onEnd(() => Promise.resolve());
  await send({ from: 'redis', pid: process.pid });
}

async function runProgram(): Promise<void> {
  mkdirSync(directory, { recursive: true });
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

  const toMemoryOnly = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const at = ['--bind', HOST, '--port', String(port), '--dir', directory];
  const server = spawn(program, [...at, ...toMemoryOnly], { stdio: ['ignore', 2, 2] });
  const exited = new Promise<string>((resolve) => {
    server.on('error', (error) => resolve(error.message));
    server.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });

  let isEnding = false;
  onEnd(async () => {
    isEnding = true;
    server.kill('SIGTERM');
    const timer = setTimeout(() => server.kill('SIGKILL'), KILL_AFTER_MS);
    await exited;
    clearTimeout(timer);
  });
  void exited.then((how) => (isEnding ? undefined : giveUp(how)));

  await untilItAnswers();
  await send({ from: 'redis', pid: server.pid ?? process.pid });
}

async function untilItAnswers(): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answersPing())) {
    if (performance.now() > deadline) giveUp(`${program} does not answer on port ${port}`);
    await delay(ASK_AGAIN_MS);
  }
}

function answersPing(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write('PING\r\n'));
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (data) => {
      resolve(data.toString('latin1').startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
