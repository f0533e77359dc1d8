/**
 * The examples of the testing kit, as a user has them: in a folder of their own with this package installed
 * from its tarball, by each test runner. `npm run test:runners`; the runners are in examples/testing/package.json.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, npm, orSkip, ROOT } from '../_npm.ts';

const RUNNERS = ['node', 'ava', 'vitest', 'jest'];

await orSkip(async () => {
  const work = mkdtempSync(join(tmpdir(), 'tandem-runners-'));
  try {
    cpSync(join(ROOT, 'examples/testing'), work, {
      recursive: true,
      filter: (path) => !path.endsWith('node_modules'),
    });
    await npm(ROOT, 'pack', '--silent', '--pack-destination', work);
    await install(
      work,
      join(
        work,
        readdirSync(work).find((name) => name.endsWith('.tgz'))!,
      ),
    );
    for (const runner of RUNNERS) await check(runner, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

async function check(runner: string, work: string): Promise<void> {
  try {
    await npm(work, 'run', runner);
    console.log(`${runner}: passes`);
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    console.error(`${runner}: FAILED\n${stdout}${stderr || message}`);
    process.exitCode = 1;
  }
}
