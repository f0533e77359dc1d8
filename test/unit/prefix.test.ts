import test from 'ava';
import { connect } from '../../src/index.ts';
import { keysOf } from '../../src/redis/keys.ts';
import { requirePrefix } from '../../src/redis/prefix.ts';

test('keys and channels begin with "tandem", or with what the user says', (t) => {
  t.deepEqual(keysOf('trading').live.names, [
    'tandem:{trading}:meta',
    'tandem:{trading}:state',
    'tandem:{trading}:index',
    'tandem:{trading}:lease',
    'tandem:{trading}:times',
    'tandem:{trading}:history',
  ]);
  const { all, channel, publish } = keysOf('trading', 3, 'team-a:app');
  t.is(all.names.length, 10);
  t.true(all.names.every((name) => name.startsWith('team-a:app:{trading}:')));
  t.is(channel, 'team-a:app:{trading}:frames@3');
  t.true(publish.includes(channel));
});

test('a prefix that keys can begin with is taken as it is', (t) => {
  for (const prefix of [
    'a',
    'tandem',
    'team-a:app',
    'app:',
    'app/prod.eu_1',
    '@x',
    '0',
    'ключ',
    'p'.repeat(128),
  ])
    t.is(requirePrefix(prefix), prefix);
});

test('a prefix that would break a hash tag is refused, and the error says so', (t) => {
  for (const prefix of ['{', '}', '{app}', 'a{b', 'a}b', '{}'])
    t.throws(() => connect({ redis: 'redis://h', prefix }), {
      code: 'INVALID_OPTION',
      message: /^prefix: .*breaks the hash tag/,
    });
});

test('what is no prefix, is empty or too long, or has a blank or a sign of a pattern is refused', (t) => {
  const others = [
    '',
    'p'.repeat(129),
    'a b',
    ' a',
    'a\n',
    '\t',
    'a\u0000',
    'a\u00a0b',
    'a\u200bb',
    'a\ud800',
  ];
  const signs = ['*', 'a?', '[a]', 'a\\', "a'b", 'a"b'];
  for (const prefix of [...others, ...signs, null, 5, {}, ['a'], true])
    t.throws(() => connect({ redis: 'redis://h', prefix: prefix as never }), {
      code: 'INVALID_OPTION',
      message: /^prefix: expected 1 to 128 characters/,
    });
});

test('the error does not show what may be a secret', (t) => {
  const error = t.throws(() => connect({ redis: 'redis://h', prefix: 's3cr3t {}' }));
  t.notRegex(error.message, /s3cr3t/);
});
