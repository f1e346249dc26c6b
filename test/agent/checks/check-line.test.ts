import assert from 'node:assert/strict';
import { test } from 'node:test';

import { gpuOf, readConfLine, readNrpeLine, type LineMeaning } from '../../../agent/checks/check-line.ts';
import { outputText } from '../../../agent/checks/check-output.ts';

/** Returns a meaning in short: a refusal, or the name, command, interval, timeout and format of a check. */
function inShort(meaning: LineMeaning): unknown {
  if (meaning === null || !('command' in meaning)) return meaning;
  const { name, command, everySeconds, timeoutSeconds, format } = meaning;
  return [name, command.join(' '), everySeconds, timeoutSeconds, format];
}

const gpu = '/usr/bin/nvidia-smi --query-gpu=name,temperature.gpu,utilization.gpu,memory.used,memory.total';
const smi = `${gpu} --format=csv,noheader,nounits`;
const noCheck = { refused: 'not a line of NAME and COMMAND' };
const noCertificate = { refused: 'certificate takes NAME and connect=HOST:PORT or file=PATH' };
const noTextfile = { refused: 'textfile takes an absolute path' };
const noInclude = { refused: 'include-nrpe takes one absolute path' };
const certificate = (name: string, command: string, every: number | null = null, timeout = 10): unknown => [
  `certificate:${name}`,
  command,
  every,
  timeout,
  'certificate',
];
const textfile = (dir: string, stale: number, metrics = '', every: number | null = null, timeout = 10): unknown => [
  `textfile:${dir}`,
  `textfile ${dir} ${stale} ${metrics}`,
  every,
  timeout,
  'textfile',
];

const server = (kind: string, name: string, words: string, every: number | null = null, timeout = 10): unknown => [
  `${kind}:${name}`,
  `${kind} ${words}`,
  every,
  timeout,
  kind,
];

const confLines: Readonly<Record<string, unknown>> = {
  '': null,
  ' \t ': null,
  '# a /b': null,
  '\t#a': null,
  'a /b': ['a', '/b', null, 10, 'nagios'],
  'a b c': ['a', 'b c', null, 10, 'nagios'],
  'a every=90 timeout=5 format=prom /b every=1': ['a', '/b every=1', 90, 5, 'prom'],
  'a format=checkmk every=5m /b': ['a', '/b', 300, 10, 'checkmk'],
  'a format=nagios every=2h timeout=30s /b': ['a', '/b', 7200, 30, 'nagios'],
  'a every=7d /b': ['a', '/b', 604_800, 10, 'nagios'],
  'a every=8d /b': noCheck,
  'a every=5x /b': noCheck,
  'a every=0 /b': noCheck,
  'a timeout=31 /b': noCheck,
  'a timeout= /b': noCheck,
  'a format=gpu /b': noCheck,
  'a format=certificate /b': noCheck,
  'a format=textfile /b': noCheck,
  'a every=5m': noCheck,
  'a b/c': noCheck,
  "a '/b": noCheck,
  a: noCheck,
  'include-nrpe /etc/nagios/nrpe.cfg': { include: '/etc/nagios/nrpe.cfg' },
  'include-nrpe a.cfg': noInclude,
  'include-nrpe /a /b': noInclude,
  'include-nrpe': noInclude,
  'container db.1_a-b': { expected: 'container:db.1_a-b' },
  'container /b': ['container', '/b', null, 10, 'nagios'],
  'container a b': ['container', 'a b', null, 10, 'nagios'],
  gpu: ['gpu', smi, null, 10, 'gpu'],
  'gpu expected=4 every=5m timeout=20': ['gpu:4', smi, 300, 20, 'gpu'],
  'gpu program=/opt/smi': ['gpu', smi.replace('/usr/bin/nvidia-smi', '/opt/smi'), null, 10, 'gpu'],
  'gpu expected=1000': { refused: 'gpu takes expected=NUMBER' },
  'gpu expected=x': { refused: 'gpu takes expected=NUMBER' },
  'gpu /b': ['gpu', '/b', null, 10, 'nagios'],
  'certificate web connect=a.example:443': certificate('web', 'connect a.example:443  1814400 604800'),
  'certificate web connect=[::1]:443': certificate('web', 'connect [::1]:443  1814400 604800'),
  'certificate web every=1h timeout=5 warning=30d critical=12h servername=b.example connect=192.0.2.1:8443':
    certificate('web', 'connect 192.0.2.1:8443 b.example 2592000 43200', 3600, 5),
  'certificate mail file=/etc/ssl/*.pem': certificate('mail', 'file /etc/ssl/*.pem  1814400 604800'),
  'certificate web connect=a.example': noCertificate,
  'certificate web connect=-a:443': noCertificate,
  'certificate web connect=a:443 x': noCertificate,
  'certificate web connect=a:443 servername=-b': noCertificate,
  'certificate web servername=-b connect=a:443': noCertificate,
  'certificate web connect=a:443 file=/a': noCertificate,
  'certificate web servername=b file=/a': noCertificate,
  'certificate web file=a.pem': noCertificate,
  'certificate web file=/a[b].pem': noCertificate,
  'certificate web file=/a!b': noCertificate,
  'certificate web file=/a,b': noCertificate,
  'certificate web warning=0 connect=a:443': noCertificate,
  'certificate web critical=x connect=a:443': noCertificate,
  'certificate web': noCertificate,
  'certificate connect=a:443': noCertificate,
  'textfile /var/lib/a': textfile('/var/lib/a', 7200),
  'textfile /a every=5m timeout=3 stale=1d metrics=a_*,b': textfile('/a', 86_400, 'a_*,b', 300, 3),
  'textfile a': noTextfile,
  textfile: noTextfile,
  'textfile /a b': noTextfile,
  'textfile /a stale=0': noTextfile,
  'textfile /a stale=x': noTextfile,
  'textfile /a metrics=a,': noTextfile,
  'textfile /a metrics=a-b': noTextfile,
  'http shop url=https://shop.example.org/a?b=c': server('http', 'shop', 'url=https://shop.example.org/a?b=c'),
  'http "my shop" every=1h url=http://[::1]:8080 status=200,401-404 timeout=5 contains="a b"': server(
    'http',
    'my shop',
    'url=http://[::1]:8080 status=200,401-404 contains=a b',
    3600,
    5,
  ),
  'http a url=http://b/ slow=100ms,1.5s family=6 connect=/run/b.sock verify=no ca=/c header=X:y headerFile=/d': server(
    'http',
    'a',
    'url=http://b/ slow=100ms,1.5s family=6 connect=/run/b.sock verify=no ca=/c header=X:y headerFile=/d',
  ),
  'tcp redis connect=/run/redis.sock "send=PING\\r\\n" expect=+PONG': server(
    'tcp',
    'redis',
    'connect=/run/redis.sock send=PING\\r\\n expect=+PONG',
  ),
  'tcp mail connect=[::1]:25 tls=yes servername=mx.example.org': server(
    'tcp',
    'mail',
    'connect=[::1]:25 tls=yes servername=mx.example.org',
  ),
  'dns name name=shop.example.org type=AAAA server=[2001:db8::53]:53 expect=::1': server(
    'dns',
    'name',
    'name=shop.example.org type=AAAA server=[2001:db8::53]:53 expect=::1',
  ),
  // A line with a command is a check of that name.
  'http check_http -H a': ['http', 'check_http -H a', null, 10, 'nagios'],
  'tcp every=5m /usr/lib/check_tcp': ['tcp', '/usr/lib/check_tcp', 300, 10, 'nagios'],
  'http a url=ftp://b/': { refused: 'http takes NAME and url=...: url= is wrong' },
  'http a url=http://b:c@d/': { refused: 'http takes NAME and url=...: url= is wrong' },
  'http a url=http://bücher.example/': { refused: 'http takes NAME and url=...: url= is wrong' },
  'http a url=http://b/ status=600': { refused: 'http takes NAME and url=...: status= is wrong' },
  'http a url=http://b/ status=20': { refused: 'http takes NAME and url=...: status= is wrong' },
  'http a url=http://b/ follow=maybe': { refused: 'http takes NAME and url=...: follow= is wrong' },
  'http a url=http://b/ header=Authorization: Bearer': {
    refused: 'http takes NAME and url=...: a word is no option of it',
  },
  'http a url=http://b/ send=x': { refused: 'http takes NAME and url=...: a word is no option of it' },
  'http a url=http://b/ every=soon': { refused: 'http takes NAME and url=...: its name, every= or timeout= is wrong' },
  'http a;b url=http://b/': { refused: 'http takes NAME and url=...: its name, every= or timeout= is wrong' },
  'tcp a connect=b:65536': { refused: 'tcp takes NAME and connect=...: connect= is wrong' },
  'http a url=http://b:0/': { refused: 'http takes NAME and url=...: url= is wrong' },
  'tcp a connect=b': { refused: 'tcp takes NAME and connect=...: connect= is wrong' },
  'dns a name=b type=ANY': { refused: 'dns takes NAME and name=...: type= is wrong' },
};
for (const [line, wanted] of Object.entries(confLines)) {
  test(`checks.d: ${JSON.stringify(line)}`, () => assert.deepEqual(inShort(readConfLine(line)), wanted));
}

const nrpeLines: Readonly<Record<string, unknown>> = {
  'command[a]=/b -w 1': ['a', '/b -w 1', null, 10, 'nagios'],
  ' \tcommand[a] \t= /b': ['a', '/b', null, 10, 'nagios'],
  'command[]=/b': null,
  '#command[a]=/b': null,
  'allowed_hosts=::1': null,
  '': null,
  'command[a]=/b $ARG1$': { refused: 'takes arguments' },
  'command[a]=/b $ARG12$': { refused: 'takes arguments' },
  'command[a]=/b | c': { refused: 'needs a shell' },
  'command[a]=/b "c': { refused: 'needs a shell' },
  'command[a]=X=1 /b': { refused: 'needs a shell' },
  "command[a]=/b '|'": ['a', '/b |', null, 10, 'nagios'],
  'command[a]=b/c': noCheck,
  'command[a]=': noCheck,
};
for (const [line, wanted] of Object.entries(nrpeLines)) {
  test(`nrpe.cfg: ${JSON.stringify(line)}`, () => assert.deepEqual(inShort(readNrpeLine(line)), wanted));
}

test('GPUs of the machine are asked with the nvidia-smi that is there', () => {
  assert.deepEqual(gpuOf([], '/opt/smi')?.command[0], '/opt/smi');
});

const outputs: readonly (readonly [output: string | readonly number[], text: string])[] = [
  ['OK\n\n', 'OK'],
  ['a\r\nb\0c\td\n', 'a\nbc\td'],
  ['\n\nOK', '\n\nOK'],
  ['\u001b[31mred\u007f', '?[31mred?'],
  ['a\u00adb\u200bc\u202ed\ufefff\u2060g\u2028h', 'a?b?c?d?f?g?h'],
  ['\u009b\u00a0ä€😀', '?\u00a0ä€😀'],
  [[0x61, 0xff, 0xc0, 0x80, 0xe2, 0x82], 'a?????'],
  [[0xed, 0xa0, 0x80], '???'],
  [[0xf4, 0x90, 0x80, 0x80], '????'],
  [[0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xc3, 0xa4, 0xfe], '€😀ä?'],
];
for (const [output, text] of outputs) {
  test(`the text of ${JSON.stringify(output)}`, () => {
    assert.equal(outputText(Buffer.from(output as string)), text);
  });
}

test('the text of output is that of its first 4 KiB, or of a limit', () => {
  assert.equal(outputText(Buffer.alloc(5000, 'a')).length, 4096);
  assert.equal(outputText(Buffer.from('abc\n'), 2), 'ab');
  assert.equal(outputText(Buffer.from('aä'), 2), 'a?');
});
