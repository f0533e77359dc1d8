/**
 * Lets Schemathesis, an independent property-based tester of HTTP APIs, compare the routes with their
 * description: `npm run test:schemathesis`. It asks a real API process, which follows a space through Redis.
 *
 * It is a program in Python. Without one on the PATH, it is installed into a virtual environment in a
 * temporary folder. Where there is no Python, or no package index answers, this says so and ends well.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '../../src/index.ts';
import { onPath } from '../_on-path.ts';
import { RedisServer } from '../_redis-server.ts';
import { desk } from './desk.ts';

const VERSION = 'schemathesis>=4,<5';
const INSTALL_MS = 180_000;
const RUN_MS = 600_000;
const FOLDER = new URL('.', import.meta.url).pathname;
/** Streams have no end, so no answer of theirs can be compared. */
const STREAMS = ['changes', 'events'];

const folder = mkdtempSync(join(tmpdir(), 'tandem-schemathesis-'));
try {
  const program = onPath('schemathesis') ?? (await installed());
  if (program !== undefined) process.exitCode = await compare(program);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The program, in an environment of its own; `undefined` where it cannot be had here. */
async function installed(): Promise<string | undefined> {
  const python = onPath('python3');
  if (python === undefined) return skip('no python3 on the PATH');
  const bin = join(folder, 'environment', 'bin');
  if ((await run(python, ['-m', 'venv', join(folder, 'environment')])) !== 0)
    return skip('python3 makes no virtual environment');
  const words = ['install', '--quiet', '--disable-pip-version-check', '--retries', '1', VERSION];
  if ((await run(join(bin, 'pip'), words)) !== 0)
    return skip('the package index does not have it, or does not answer');
  return join(bin, 'schemathesis');
}

function skip(why: string): undefined {
  process.stdout.write(`schemathesis is skipped: ${why}\n`);
}

/** The exit code of a program; 1 where it takes too long. */
async function run(program: string, words: readonly string[], timeout = INSTALL_MS): Promise<number> {
  // It leaves a folder of its own where it runs.
  const child = spawn(program, words, { stdio: 'inherit', timeout, cwd: folder });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function compare(program: string): Promise<number> {
  const redis = await RedisServer.start();
  const tandem = connect({ redis: redis.url, name: 'trading-1' });
  const owner = tandem.own(desk);
  owner.set('regime', { regime: 'bull', confidence: 0.5 });
  owner.set('strategy/momentum', { position: 3 });
  owner.set('strategy/inner/carry', { pnl: -2 });
  owner.set('größe/ä/b', 1);
  owner.set('odd {key}', 'odd');
  owner.set('plain', 5);
  await owner.flush();
  const api = spawn(process.execPath, [join(FOLDER, '../fixtures/api.ts'), redis.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [description] = (await once(createInterface(api.stdout), 'line')) as [string];
    const config = ['--config-file', join(FOLDER, 'schemathesis.toml')];
    const excluded = STREAMS.flatMap((id) => ['--exclude-operation-id', id]);
    return await run(program, [...config, 'run', description, ...excluded, ...process.argv.slice(2)], RUN_MS);
  } finally {
    api.kill();
    await tandem.stop();
    await redis.stop();
  }
}
