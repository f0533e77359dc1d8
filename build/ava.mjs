/**
 * AVA with variables of the environment: `node build/ava.mjs NAME=value … arguments`. Shells do not agree on how a
 * script of package.json sets a variable.
 */
const args = process.argv.slice(2);
while (/^[A-Z_]+=/.test(args[0] ?? '')) {
  const [name, value] = args.shift().split('=');
  process.env[name] = value;
}
process.argv.splice(2, Infinity, ...args);
await import('../node_modules/ava/entrypoints/cli.js');
