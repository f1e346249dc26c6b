// Second tier: a large table.
/**
 * The reading of ssh_config, compared with `ssh -G` of this machine and of Debian 13, for every branch of Include,
 * Match and the tokens. A file of which this program says nothing must be read as by the newer ssh. The older one is
 * asked about files without features that it lacks.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { connectionTokens, expandTokens } from '../../src/transport/ssh-config/ssh-config-tokens.ts';
import { isLong } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { ask, inWordsOfSsh, load, ofSsh, self, sshSays } from './ssh-config/support/ssh-says.ts';

const newer = '/var/tmp/fleet-health-tests/packages/openssh-client-13/ssh';
const versions = [
  { ssh: 'ssh', isNewer: false },
  { ssh: newer, isNewer: true },
] as const;

const dir = tempFolder();
const tree: Readonly<Record<string, string>> = {
  'a.conf': 'Host web\n User a\n',
  'b.conf.bak': 'Host web db\n User old\n Port 2200\n',
  'c.conf': 'Host db\n Port 33\n',
  '.hidden.conf': 'User hidden\n',
  '{a,c}.conf': 'Port 44\n',
  '[x].conf': 'Port 55\n',
  'star*.conf': 'Port 66\n',
  'é.conf': 'Port 77\n',
  'sub/x.conf': 'Port 1\n',
  'sub-b/x.conf': 'Port 2\n',
  'match.inc': 'Match host web\n Port 3\nMatch all\n ConnectTimeout 4\n',
  'nested.inc': 'Host web\n Include @/c.conf @/sub/x.conf\n User nested\n',
  'key.pem': '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB\n-----END PRIVATE KEY-----\n',
  'bom.inc': '\ufeffHost web\n User bom\n',
  'web.by-name': 'User byname\n',
  'ww.by-name': 'User byhost\n',
};
for (const [name, text] of Object.entries(tree)) {
  mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
  writeFileSync(path.join(dir, name), text.replaceAll('@', dir));
}
mkdirSync(path.join(dir, 'folder.conf'));
symlinkSync(path.join(dir, 'nowhere'), path.join(dir, 'dangling.conf'));

const includes = [
  ...['@/*.conf', '@/?.conf', '@/[ab].conf', '@/[!a].conf', '@/[^a].conf', '@/[a-c].conf', '@/[[:alpha:]].conf'],
  ...['@/{a,c}.conf', '@/{a,c}.con?', '@/\\\\[x\\\\].conf', '@/[[]x].conf', '@/star\\\\*.conf', '@/star*.conf'],
  ...['@/.*.conf', '@/*hidden*', '@/*/x.conf', '@/sub*/x.conf', '@/*.inc', '@/match.inc', '@/nested.inc'],
  ...['@/folder.conf', '@/dangling.conf', '@/none.conf', '@/none/*', '@/a.conf/x', '@/a.conf @/c.conf', '"@/a.conf"'],
  ...["'@/a.conf' # c", '@/a+(b).conf', '@/(a|c).conf', '@/!(a).conf', '@/@(a).conf', '@/**/x.conf', '@//sub//x.conf'],
  ...['@/sub/../c.conf', '@/./c.conf', '~nobody/none', '~no-such-account/none', '~/none', 'none/*', '""', '@/key.pem'],
  ...['@/%h.by-name', '@/%n.by-name', '@/%%h.by-name', '@/%h.by-*', '@/*/%%', '@/%Z', '@/%', '${FH_TEST_DIR}/a.conf'],
  ...['@/${FH_TEST_WORD}', '@/${FH_NOT_SET}/a.conf', '@/${FH_NOT_SET', '@/$HOME', '@/[', '@/[a', '@/]', '@/a[.]conf'],
  ...['@/é.conf', '@/[é].conf', '@/*.con[f', '@/[]a].conf', '@/[a\\\\-c].conf', '@/[c-a].conf', '@/a.conf\\ ', '@'],
];
const contexts = [
  'I',
  'Host web\n I',
  'Host other\n I\nHost *\n Port 9',
  'HostName ww\nI\nPort 8',
  'Match final\n I\n',
];

const values: Readonly<Record<string, readonly string[]>> = {
  host: ['web', 'WEB', 'w*', '!web', 'w*,!web', 'db,web', 'web,,db', '?eb', '%h', '', '"web"', 'ww'],
  originalhost: ['web', 'WEB', '*', 'db', '', 'ww'],
  user: ['u', 'U', 'root', '%u', '*', ''],
  localuser: [self.user, '%u', 'nobody', ''],
  tagged: ['', 't', '*', '!t', 'T'],
  command: ['', 'ls'],
  sessiontype: ['shell', ''],
  version: ['*', ''],
  exec: ['true', ''],
  localnetwork: ['127.0.0.0/8', ''],
};
const bare = ['all', 'final', 'canonical', 'ALL', 'bogus', ''];
const criteria = [
  ...bare.flatMap((name) => [name, `!${name}`]),
  ...Object.entries(values).flatMap(([name, patterns]) =>
    patterns.flatMap((one) => [`${name} ${quoted(one)}`, `!${name} ${quoted(one)}`, `${name}=${quoted(one)}`]),
  ),
  ...Object.keys(values),
];
const pairs = ['host web', 'all', 'final', '!final', 'user u', 'tagged ""', 'host db', 'localuser x'];
const befores = ['', 'User u\nTag t\n', 'HostName ww\n', 'Match final\n HostName ww\nMatch all\n'];

function quoted(text: string): string {
  return text === '' ? '""' : text;
}

const jumps = ['none', 'NONE', 'a', 'a,b', 'x@b:22', 'ssh://b:5', 'none,a', 'a # c', ''];
const commands = ['none', 'NONE', 'none x', 'none # c', 'nc %h', ''];
const letters = 'C L T H Z d f h i j k l n p r t u %'.split(' ');
const options = [
  ...jumps.flatMap((jump) => commands.flatMap((command) => proxies(jump, command))),
  ...[
    '22',
    '022',
    '+22',
    '0',
    '65535',
    '65536',
    '-1',
    'ssh',
    'domain',
    'http',
    'SSH',
    'nosuchservice',
    '0x16',
    '22 ',
  ].map((port) => `Port ${port}`),
  ...letters.flatMap((letter) => [
    `User a%${letter}b`,
    `ProxyJump x@hop:5\nUser a%${letter}b`,
    `HostName x%${letter}`,
    `HostKeyAlias k%${letter}`,
    `Tag %${letter}`,
  ]),
  ...['User ${FH_TEST_WORD}', 'User ${FH_NOT_SET}', 'User ${FH_NOT_SET', 'User $HOME', 'HostName ${FH_TEST_WORD}'],
  ...['User %h\nMatch user web\n Port 6', 'Tag a\nTag b', 'Tag a b', 'User %h\nHostName x', 'HostKeyAlias ${HOME}'],
];

/** The forms of a line with an option and its value. */
const forms: readonly ((keyword: string, value: string) => string)[] = [
  (keyword, value) => `${keyword}=${value}`,
  (keyword, value) => `${keyword} = ${value}`,
  (keyword, value) => `${keyword}==${value}`,
  (keyword, value) => `\t${keyword}\t${value}\t`,
  (keyword, value) => `Host web\r\n  ${keyword} ${value}\r\n`,
  (keyword, value) => `${keyword.toUpperCase()} ${value}`,
  (keyword, value) => `"${keyword}" ${value}`,
  (keyword, value) => `"${keyword}"=${value}`,
  (keyword, value) => `${keyword} ${value} # comment`,
  (keyword, value) => `${keyword} ${value} #comment`,
  (keyword, value) => `${keyword} ${value}#no-comment`,
  (keyword, value) => `${keyword} ${value} more`,
  (keyword, value) => `${keyword} "${value}"`,
  (keyword) => `${keyword} ""`,
  (keyword, value) => `${keyword} '${value}'`,
  (keyword, value) => `${keyword} "${value}`,
  (keyword, value) => `${keyword} ${value}\f`,
  (keyword, value) => `${keyword}\v${value}`,
  (keyword, value) => `${keyword}\r ${value}`,
  (keyword, value) => `${keyword} ${value}\0x`,
  (keyword, value) => `${keyword} ${value} \\\n  more`,
  (keyword, value) => `\ufeff${keyword} ${value}`,
  (keyword, value) => `Include @/bom.inc\n${keyword} ${value}`,
];
const formed = Object.entries({
  ...{ HostName: '10.0.0.1', Port: '2222', User: 'me', IdentityFile: '/k', IdentitiesOnly: 'yes', ProxyJump: 'a' },
  ...{ ProxyCommand: 'nc', UserKnownHostsFile: '/a', GlobalKnownHostsFile: '/a', HostKeyAlias: 'x' },
  ...{ ConnectTimeout: '5', AddressFamily: 'inet', StrictHostKeyChecking: 'yes', CertificateFile: '/c' },
}).flatMap(([keyword, value]) => forms.map((form) => form(keyword, value)));
const odd = [
  ...['ProxyJump a b', 'ProxyJump a,b c', 'UserKnownHostsFile none', 'UserKnownHostsFile NONE', 'ConnectTimeout 5S'],
  ...['UserKnownHostsFile none /a', 'UserKnownHostsFile /a NONE', 'ConnectTimeout 99999999999', 'Host web\\', 'Host'],
  ...[
    'Host "web"',
    "Host 'web'",
    'Host web,db',
    'Host WEB',
    'Host=web',
    'Host web # c',
    'Host ""',
    'Host [w]eb',
    'HOST web',
  ],
];

function proxies(jump: string, command: string): readonly string[] {
  const [one, two] = [`ProxyJump ${jump}`, `ProxyCommand ${command}`];
  return [`${one}\n${two}`, `${two}\n${one}`, `${one}\n${two}\nProxyJump z`];
}

/** True if only the newer ssh has a feature of the file. */
function isForNewer(text: string): boolean {
  return /(?:Include|User|I) .*(?:%|\$\{)|^\s*Tag |tagged|command|sessiontype|version|localnetwork/im.test(text);
}

const file = path.join(dir, 'config');

interface Comparison {
  compared: number;
  readonly differences: string[];
}

const targets = ['web', 'u@db'] as const;

/** Compares the reading of a file for these hosts. */
function compare(written: string, ssh: string, asked: readonly string[], comparison: Comparison): void {
  const text = `${written.replaceAll('@/', `${dir}/`)}\n`;
  writeFileSync(file, text);
  for (const target of asked) {
    const ours = reading(target);
    if (ours === 'named') continue;
    const said = sshSays(file, target, ssh);
    const theirs = said === null ? null : ofSsh(said);
    comparison.compared += 1;
    if (isDeepStrictEqual(ours, theirs)) continue;
    const differing = Object.entries(ours ?? {}).filter(([name, value]) => !isDeepStrictEqual(value, theirs?.[name]));
    const shown = ours === null ? 'refused' : theirs === null ? 'taken' : JSON.stringify(differing);
    comparison.differences.push(`${JSON.stringify(written)} for ${target}: ${shown}`);
  }
}

/** Returns this program's answer, null for a file that it refuses, `named` if the user is told of a difference. */
function reading(target: string): Record<string, unknown> | 'named' | null {
  try {
    const asked = ask(file, target);
    const { answer, values: found } = asked;
    const isNamed = answer.opensshOnly.length + answer.passedOver.length + found.notes.length > 0;
    return isNamed ? 'named' : inWordsOfSsh(asked);
  } catch (thrown) {
    assert.ok(thrown instanceof FleetError && thrown.code === 'config-invalid', String(thrown));
    return null;
  }
}

const tables = {
  Include: includes.flatMap((pattern) => contexts.map((context) => context.replace('I', () => `Include ${pattern}`))),
  'a criterion of Match': befores.flatMap((before) => criteria.map((one) => `${before}Match ${one}\n Port 7`)),
  'two criteria of Match': pairs.flatMap((left) => pairs.map((right) => `User u\nMatch ${left} ${right}\n Port 7`)),
  'proxies, ports and tokens': options,
  'forms of lines': [...formed, ...odd.map((line) => `${line}\n Port 7`)],
};

/** Returns the hosts that a version is asked about: one each, by turns, where both versions are asked. */
function targetsOf(text: string, at: number, isNewer: boolean): readonly string[] {
  if (isLong || isForNewer(text)) return targets;
  return targets.filter((_, number) => (number + at) % 2 === (isNewer ? 0 : 1));
}

self.environment['FH_TEST_DIR'] = dir;

for (const { ssh, isNewer } of versions) {
  describe(`as ssh -G of ${isNewer ? 'Debian 13' : 'this machine'}`, () => {
    const isMissing = spawnSync(ssh, ['-V']).error !== undefined;
    for (const [name, texts] of Object.entries(tables)) {
      it(name, (t) => {
        if (isMissing) {
          assert.ok(!process.env['CI'], `needs ${ssh}`);
          t.skip(`needs ${ssh}; \`sh test/setup.sh --wide\` unpacks it`);
          return;
        }
        const comparison: Comparison = { compared: 0, differences: [] };
        const asked = texts.flatMap((text, at) =>
          isNewer || !isForNewer(text) ? [{ text, hosts: targetsOf(text, at, isNewer) }] : [],
        );
        for (const { text, hosts } of asked) compare(text, ssh, hosts, comparison);
        assert.deepEqual(comparison.differences, []);
        const answers = asked.flatMap(({ hosts }) => hosts).length;
        assert.ok(comparison.compared > answers / 4, `${comparison.compared} of ${answers} answers`);
      });
    }
  });
}

describe('the newer ssh includes the file that this program makes of a token', { skip: !existsSync(newer) }, () => {
  const question = { host: 'web', user: null, address: null, self };
  const befores = ['', 'HostName WW\nPort 5\nUser x\n', 'HostKeyAlias kk\nProxyJump u@hop:22\n', 'ProxyJump a,b,c\n'];
  for (const before of befores) {
    it(JSON.stringify(before), () => {
      for (const letter of letters) {
        writeFileSync(file, before);
        const { answer, values: found } = ask(file, 'web');
        const host = found.hostName === null ? 'web' : (answer.first.get('hostname')?.args[0] ?? '');
        const user = found.user?.value ?? self.user;
        const tokens = connectionTokens({ question, first: answer.first, host, user, keyName: host });
        const { text } = expandTokens(`token-${letter}-%${letter}`, tokens);
        if (text === null) continue;
        const name = text.replaceAll('/', '');
        writeFileSync(path.join(dir, name), 'ConnectTimeout 9\n');
        const pattern = letter === 'd' ? name : `token-${letter}-%${letter}`;
        writeFileSync(file, `${before}Include ${dir}/${pattern}\n`);
        assert.equal(load(file).blocksFor('web').length, 1);
        assert.equal(sshSays(file, 'web', newer)?.get('connecttimeout')?.[0], '9', text);
        assert.equal(ask(file, 'web').answer.first.get('connecttimeout')?.args[0], '9', text);
      }
    });
  }
});
