/**
 * Each bundler, with the settings that its own manual gives for a program of Node: `node bundlers.mjs <name> <entry>
 * <folder>` makes one program of the entry, in the folder. It runs in the folder where the bundlers are installed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** ioredis and Koa are CommonJS, and `require` modules of Node. An ESM bundle has no `require` of its own. */
const REQUIRE =
  'import { createRequire as __make } from "node:module"; const require = __make(import.meta.url);';

const bundlers = {
  'esbuild-esm': (entry, folder) =>
    esbuild(entry, join(folder, 'app.mjs'), 'esm', { banner: { js: REQUIRE } }),
  'esbuild-cjs': (entry, folder) => esbuild(entry, join(folder, 'app.cjs'), 'cjs'),
  'rollup-esm': (entry, folder) => rollup(entry, folder, 'es', 'mjs'),
  'rollup-cjs': (entry, folder) => rollup(entry, folder, 'cjs', 'cjs'),
  async webpack(entry, folder) {
    const { default: webpack } = await import('webpack');
    await new Promise((resolve, reject) => {
      const output = { path: folder, filename: 'app.cjs', chunkFilename: '[id].cjs' };
      webpack({ mode: 'production', target: 'node', entry, output }, (error, stats) => {
        if (error ?? stats.hasErrors()) reject(error ?? new Error(stats.toString('errors-only')));
        else resolve();
      });
    });
  },
  async vite(entry, folder) {
    const { build } = await import('vite');
    await build({
      configFile: false,
      logLevel: 'warn',
      ssr: { noExternal: true, target: 'node' },
      build: {
        ssr: entry,
        outDir: folder,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: 'app.mjs', chunkFileNames: '[name].mjs' } },
      },
    });
  },
  'tsup-esm': (entry, folder) => tsup(entry, folder, 'esm', { banner: { js: REQUIRE } }),
  'tsup-cjs': (entry, folder) => tsup(entry, folder, 'cjs'),
  bun(entry, folder) {
    const program = join(import.meta.dirname, 'node_modules', '.bin', 'bun');
    const args = ['build', entry, '--target=node', `--outfile=${join(folder, 'app.mjs')}`];
    const { status } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error(`bun build ended with ${status}`);
  },
};

async function esbuild(entry, outfile, format, options) {
  const { build } = await import('esbuild');
  await build({ entryPoints: [entry], outfile, format, bundle: true, platform: 'node', ...options });
}

async function rollup(entry, folder, format, extension) {
  const { rollup } = await import('rollup');
  const { default: commonjs } = await import('@rollup/plugin-commonjs');
  const { default: json } = await import('@rollup/plugin-json');
  const { default: resolve } = await import('@rollup/plugin-node-resolve');
  const plugins = [resolve({ exportConditions: ['node'], preferBuiltins: true }), commonjs(), json()];
  const bundle = await rollup({ input: entry, plugins, onwarn: () => {} });
  const names = { entryFileNames: `app.${extension}`, chunkFileNames: `[name].${extension}` };
  await bundle.write({ dir: folder, format, ...names });
}

async function tsup(entry, folder, format, options) {
  const { build } = await import('tsup');
  await build({
    entry: { app: entry },
    outDir: folder,
    format,
    config: false,
    silent: true,
    noExternal: [/./],
    platform: 'node',
    outExtension: () => ({ js: format === 'esm' ? '.mjs' : '.cjs' }),
    ...options,
  });
}

/** A module for a browser, as small as it gets. */
async function browser(entry, folder) {
  const outfile = join(folder, 'client.js');
  const { build } = await import('esbuild');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
  });
}

const [name, entry, folder] = process.argv.slice(2);
if (name === undefined) console.log(Object.keys(bundlers).join('\n'));
else await (name === 'browser' ? browser : bundlers[name])(entry, folder);
