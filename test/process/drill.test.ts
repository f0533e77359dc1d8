/**
 * The drill of the demo: in each of six breaks of real processes, headline, `/readyz?verbose`, log and `doctor` name
 * what was broken, and none of them blames another part for it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { BREAKS } from '../../examples/trading-desk/breaks.ts';
import { freePort } from '../_free-port.ts';
import { onRealServer } from '../_real.ts';

const START = fileURLToPath(new URL('../../examples/trading-desk/start.ts', import.meta.url));
const ASK_MS = 25;
/** By design each break is named within a second; a busy machine may take longer. */
const NAMED_MS = 10_000;

/** Who may be blamed while a break lasts; afterwards others may be waited for. */
const CULPRITS: Readonly<Record<string, readonly string[]>> = {
  'Redis is killed': ['nobody', 'redis'],
  'Redis hangs': ['nobody', 'redis'],
  'the owner is killed': ['nobody', 'owner'],
  'the owner stands still': ['nobody', 'owner'],
  'the API process is killed': ['nobody'],
  'Redis loses everything': ['nobody', 'redis'],
};

interface Section {
  readonly title: string;
  readonly lines: string[];
  /** What `/readyz?verbose` said while the break lasted, with the culprit. */
  readonly said: Map<string, string>;
}

onRealServer(
  'each break of the drill is named by page, readiness, log and doctor, and by no wrong name',
  async (t) => {
    const port = await freePort();
    const { sections, lines, exitCode } = runDrill(t, port);
    const ended = exitCode.then(() => true);
    while (!(await Promise.race([ended, delay(ASK_MS, false)]))) {
      const section = sections.at(-1);
      const space = await readiness(port);
      // Once Redis is back, nobody else may be blamed for what is left of its outage either.
      const end = section?.title.startsWith('Redis') ? /^ {2}over / : /^ {2}(?:mend|over) /;
      const isMended = section?.lines.some((line) => end.test(line)) ?? true;
      if (section && space && !isMended) section.said.set(space.headline, space.culprit);
    }
    t.is(await exitCode, 0, lines.join('\n'));
    t.deepEqual(
      sections.map(({ title }) => title),
      BREAKS.map(({ title }) => title),
    );
    for (const [n, { title, lines: told, said }] of sections.entries()) {
      const { headlines, log, doctor } = BREAKS[n]!;
      const of = (label: string): string[] => told.filter((line) => line.startsWith(`  ${label} `));
      for (const headline of headlines) {
        t.true(
          of('page').some((line) => line.includes(`on-call.md#${headline}`)),
          `${title}: the page`,
        );
        if (headline !== 'no-contact') t.true(said.has(headline), `${title}: ${[...said.keys()].join()}`);
      }
      t.true(
        of('log').some((line) => log.test(line)),
        `${title}: the log`,
      );
      t.true(
        of('doctor').some((line) => doctor.test(line)),
        `${title}: doctor`,
      );
      t.deepEqual(
        [...said].filter(([, culprit]) => !CULPRITS[title]!.includes(culprit)),
        [],
        title,
      );
      for (const line of of('page').slice(0, 1))
        t.true(1_000 * Number(/after ([\d.]+) s/.exec(line)?.[1]) < NAMED_MS, `${title}: ${line}`);
      t.log(`${title}: ${of('page')[0]?.trim() ?? 'healed at once'}`);
    }
  },
);

function runDrill(t: ExecutionContext, port: number) {
  const child = spawn(process.execPath, [START, '--drill', '--hold', '1', '--speed', '20'], {
    env: { ...process.env, REDIS_URL: '', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const sections: Section[] = [];
  const lines: string[] = [];
  t.teardown(() => {
    if (child.exitCode === 0) return;
    child.kill('SIGKILL');
    // A process that stands still does not notice that its parent is gone.
    for (const [, pid] of lines.join('\n').matchAll(/\bpid (\d+)/g)) end(Number(pid));
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    const title = /^drill \d of \d: (.*)$/.exec(line)?.[1];
    if (title !== undefined) sections.push({ title, lines: [], said: new Map() });
    else sections.at(-1)?.lines.push(line);
  });
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return { sections, lines, exitCode };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

async function readiness(port: number): Promise<{ headline: string; culprit: string } | undefined> {
  const signal = AbortSignal.timeout(1_000);
  const answer = await fetch(`http://127.0.0.1:${port}/readyz?verbose`, { signal }).catch(() => undefined);
  const body = (await answer?.json().catch(() => undefined)) as { spaces?: never[] } | undefined;
  return body?.spaces?.[0];
}
