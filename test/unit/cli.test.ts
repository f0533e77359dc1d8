/** The command line: what it prints, where, and how it exits. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { aclLine } from '../_acl.ts';
import { called, program } from '../_console.ts';
import { READING_COMMANDS, WRITING_COMMANDS } from '../../src/redis/permissions.ts';

const root = new URL('../../', import.meta.url);

/** The rules, without those that are for the fleet alone. */
const rulesOf = (...args: readonly string[]): string[] =>
  aclLine(...args)
    .replace(/ \(.*\)/, '')
    .split(' ');
/** The rules for the fleet, as a selector. */
const selectorOf = (...args: readonly string[]): string => /\(.*\)/.exec(aclLine(...args))?.[0] ?? '';

test('acl prints one line for a user of the role, and nothing else', async (t) => {
  const { code, out, err } = await called(['acl', 'owner', '--space', 'trading']);
  t.is(code, 0);
  t.is(err, '');
  t.regex(out, /^ACL SETUSER tandem-owner on resetkeys resetchannels -@all [^\n]+\n$/);
  const rules = out.trim().split(' ');
  t.true(rules.includes('~tandem:{trading}:*') && rules.includes('&tandem:{trading}:*'));
  t.true(rules.includes('+evalsha') && rules.includes('+publish') && !rules.includes('+subscribe'));
});

test('a follower reads with Redis 7, and has no command that writes with Redis 6', (t) => {
  const follower = rulesOf('follower', '--space', 'trading');
  t.true(follower.includes('%R~tandem:{trading}:*') && follower.includes('+evalsha_ro'));
  t.false(follower.some((rule) => rule.startsWith('~') || rule === '+evalsha' || rule === '+eval'));
  const earlier = rulesOf('follower', '--space', 'trading', '--redis-version', '6');
  t.true(earlier.includes('~tandem:{trading}:*') && earlier.includes('+evalsha'));
  t.false(earlier.some((rule) => /%R|_ro$|clearselectors/.test(rule)));
  for (const command of WRITING_COMMANDS) {
    t.false(follower.includes(`+${command}`), command);
    t.false(earlier.includes(`+${command}`), command);
  }
});

test('each role may read the fleet, and all but a reader register there', (t) => {
  const reading = '+get +pttl +zrevrange';
  for (const role of ['owner', 'standby', 'follower']) {
    const selector = selectorOf(role, '--space', 'x', '--prefix', 'a');
    t.is(selector, '(~a:{@fleet}:* +get +pexpire +pttl +set +zadd +zremrangebyscore +zrevrange)');
    const earlier = rulesOf(role, '--space', 'x', '--prefix', 'a', '--redis-version', '6');
    t.true(earlier.includes('~a:{@fleet}:*') && earlier.includes('+zrevrange'));
    t.is(earlier.includes('+zremrangebyscore'), role !== 'follower');
  }
  t.is(selectorOf('reader', '--space', 'x'), `(%R~tandem:{@fleet}:* ${reading})`);
});

test('several spaces, patterns, a prefix and a user', (t) => {
  const rules = rulesOf(
    'reader',
    '--space',
    'bot:*',
    '--space=trading',
    '--prefix',
    'team-a',
    '--user',
    'me',
  );
  t.is(rules[2], 'me');
  for (const rule of ['%R~team-a:{bot:*}:*', '%R~team-a:{trading}:*', '&team-a:{bot:*}:*', '+scan'])
    t.true(rules.includes(rule), rule);
  t.false(rulesOf('reader', '--space', 'trading').includes('+scan'), 'one space needs no search');
});

test('no rule comes twice, and a standby may what an owner and a follower may', (t) => {
  const standby = rulesOf('standby', '--space', 'x');
  t.is(new Set(standby).size, standby.length);
  for (const role of ['owner', 'follower'])
    for (const rule of rulesOf(role, '--space', 'x').filter((one) => one.startsWith('+')))
      t.true(standby.includes(rule), rule);
});

test('wrong usage exits with 2, prints nothing, and says what is wrong and how it is used', async (t) => {
  const wrong: [args: string[], said: RegExp][] = [
    [[], /no command is given/],
    [['nonsense'], /there is no such command/],
    [['acl'], /expected one role/],
    [['acl', 'king', '--space', 'x'], /expected one role/],
    [['acl', 'owner', 'follower', '--space', 'x'], /expected one role/],
    [['acl', 'owner'], /--space is missing/],
    [['acl', 'owner', '--space'], /--space/],
    [['acl', 'owner', '--space', 'a b'], /--space: expected/],
    [['acl', 'owner', '--space', 'a}b'], /--space: expected/],
    [['acl', 'owner', '--space', ''], /--space: expected/],
    [['acl', 'owner', '--space', 'x', '--prefix', '{a}'], /prefix: expected/],
    [['acl', 'owner', '--space', 'x', '--user', 'a b'], /--user: expected/],
    [['acl', 'owner', '--space', 'x', '--redis-version', '5'], /--redis-version: expected 6 or 7/],
    [['acl', 'owner', '--space', 'x', '--nonsense'], /--nonsense/],
  ];
  for (const [args, said] of wrong) {
    const { code, out, err } = await called(args);
    t.is(code, 2, args.join(' '));
    t.is(out, '');
    t.regex(err, said);
    t.regex(err, /Usage: tandem-sync/);
  }
});

test('help is printed, and is well', async (t) => {
  for (const args of [['--help'], ['-h'], ['help'], ['acl', '--help'], ['acl', '-h']]) {
    const { code, out, err } = await called(args);
    t.is(code, 0);
    t.is(err, '');
    t.regex(out, /^Usage: tandem-sync/);
  }
});

test('the program exits with the code of its command', async (t) => {
  const { code, out } = await program(['acl', 'follower', '--space', 'x']);
  t.is(code, 0);
  t.regex(out, /^ACL SETUSER tandem-follower /);
  t.is((await program(['acl'])).code, 2);
});

test('docs/acl.md has what the command prints', (t) => {
  const text = readFileSync(new URL('docs/acl.md', root), 'utf8');
  const shown = [...text.matchAll(/^\$ npx tandem-sync (.*)\n(.*\n)/gm)];
  t.is(shown.length, 4);
  for (const [, args = '', line = ''] of shown)
    t.is(`${aclLine(...args.replaceAll("'", '').split(' ').slice(1))}\n`, line, args);
});

test('the rules have each command that a script calls, and no other', (t) => {
  const folder = new URL('src/redis/scripts/', root);
  const called = new Set<string>();
  for (const name of readdirSync(folder).filter((one) => one !== 'denied.lua')) {
    const text = readFileSync(new URL(name, folder), 'utf8').replaceAll(/--.*$/gm, '');
    for (const [, command = ''] of text.matchAll(/\b(?:call|pcall|read|write|needs)\('([A-Z]+)'/g))
      called.add(command.toLowerCase());
  }
  // Called by themselves, for long values.
  for (const command of ['hget', 'zscore']) called.add(command);
  t.deepEqual([...called].toSorted(), [...READING_COMMANDS, ...WRITING_COMMANDS].toSorted());
});

test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  for (const option of ['--version', '-v'])
    t.like(await called([option]), { code: 0, out: `${version}\n`, err: '' });
});
