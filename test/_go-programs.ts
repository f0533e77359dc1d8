/**
 * A real collector and a real Jaeger 2, built from Go's module proxy. The first build takes minutes and a few
 * gigabytes. The programs are then kept in node_modules/.cache/tandem.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/tandem', import.meta.url));
const BUILDER_CONFIG = fileURLToPath(new URL('fixtures/collector-builder.yaml', import.meta.url));
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.155.0';
/** Jaeger 2.13, by the last of its version numbers that Go's module paths can express. */
const JAEGER = 'github.com/jaegertracing/jaeger@v1.76.0';
const MAX_OUTPUT = 64 * 1024 * 1024;

const env = {
  ...process.env,
  PATH: [process.env['PATH'], '/usr/local/go/bin', '/usr/lib/go/bin'].join(delimiter),
  GOFLAGS: '-buildvcs=false',
  CGO_ENABLED: '0',
};

export interface Programs {
  readonly collector: string;
  readonly jaeger: string;
}

/** Resolves with the programs, or with the reason why there are none. */
export async function buildPrograms(): Promise<Programs | string> {
  const programs = { collector: join(CACHE, 'otelcol'), jaeger: join(CACHE, 'jaeger') };
  if (existsSync(programs.collector) && existsSync(programs.jaeger)) return programs;
  try {
    await go(['version']);
  } catch {
    return 'no go on the PATH';
  }
  try {
    await go(['list', '-m', JAEGER]);
  } catch {
    return "Go's module proxy cannot be reached";
  }
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'tandem-go-'));
  try {
    if (!existsSync(programs.collector)) await buildCollector(folder, programs.collector);
    if (!existsSync(programs.jaeger)) await buildJaeger(folder, programs.jaeger);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return programs;
}

async function buildCollector(folder: string, to: string): Promise<void> {
  const out = join(folder, 'collector');
  await go(
    ['run', BUILDER, '--config', BUILDER_CONFIG, '--skip-compilation', `--output-path=${out}`],
    folder,
  );
  await go(['build', '-trimpath', '-o', to, '.'], out);
}

/**
 * Builds a writable copy of the module, as the main module. Jaeger's go.mod replaces other modules, which Go
 * honours only in a main module, and Go downloads modules read-only.
 */
async function buildJaeger(folder: string, to: string): Promise<void> {
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', JAEGER])) as { Dir: string };
  const source = join(folder, 'jaeger');
  cpSync(Dir, source, { recursive: true });
  await promisify(execFile)('chmod', ['-R', 'u+w', source]);
  await go(['build', '-trimpath', '-o', to, './cmd/jaeger'], source);
}

/** Runs at the lowest priority: a build takes minutes, and other tests share the machine. */
async function go(args: string[], cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)('nice', ['-n', '19', 'go', ...args], {
    env,
    cwd,
    maxBuffer: MAX_OUTPUT,
  });
  return stdout;
}
