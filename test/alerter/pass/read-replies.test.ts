// Second tier: a mailbox on each database.
/** Servers that answer otherwise than most: what RFC 3501 and RFC 9051 allow, and more. No good reply is lost. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { readReplies, type ReadReplies } from '../../../src/alerter/pass/read-replies.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { RepliesConfig } from '../../../src/config/config.ts';
import { findCanaries } from '../../../src/notify/replies/find-canaries.ts';
import type { MailboxPosition } from '../../../src/storage/store/reply-store.ts';
import { makeCertificates, type KeyPair } from '../../support/servers/certificates.ts';
import { startImapServer, type ImapServer } from '../../support/servers/imap-server.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const token = '0123456789abcdef01234567';
const never = new AbortController().signal;
const replyOf = (body: string, id: string): string =>
  `Message-ID: <${id}@x>\nFrom: kim@example.org\nTo: fleet+${token}@example.org\nSubject: canary ${token}\n\n${body}\n`;

type Alter = NonNullable<ImapServer['alter']>;

interface Scene {
  readonly imap: ImapServer;
  readonly settings: RepliesConfig;
  /** Reads after the last reading. Returns the lines of the replies. */
  readonly read: (timeoutMs?: number) => Promise<{ lines: readonly (string | null)[] } & ReadReplies>;
  /** Looks for canaries. Returns the number in the mailbox, and the fault. */
  readonly canaries: (timeoutMs?: number) => Promise<readonly [number, string | undefined]>;
}

async function sceneFor(t: TestContext, startTls?: KeyPair): Promise<Scene> {
  const imap = await startImapServer({ password: 'x', ...(startTls && { startTls }) });
  t.after(() => imap.stop());
  const dir = tempFolder(t);
  const file = path.join(dir, 'config.xml');
  const replies = `<replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" address="fleet@example.org" password="x"/>`;
  writeFileSync(file, `<config><state dir="${dir}"/>${replies}<client ip="192.0.2.1" username="u"/></config>`, {
    mode: 0o600,
  });
  const settings = loadConfig({ file }).replies ?? assert.fail('no <replies>');
  let position: MailboxPosition | null = null;
  const read: Scene['read'] = async (timeoutMs = 20_000) => {
    const found = await readReplies(settings, { position, sinceMs: Date.now() - 1000, timeoutMs, signal: never });
    position = found.position ?? position;
    return { ...found, lines: found.replies.map(({ line }) => line) };
  };
  const canaries: Scene['canaries'] = async (timeoutMs = 20_000) => {
    const options = { tokens: [token], sinceMs: Date.now(), timeoutMs, signal: never };
    const { found, fault } = await findCanaries(settings, options);
    return [found.filter(({ folder }) => folder === 'mailbox').length, fault?.message];
  };
  return { imap, settings, read, canaries };
}

/** Untagged responses that a server may send beside the answer to any command. */
const unsolicited: readonly string[] = [
  '* 1 FETCH (FLAGS (\\Seen))',
  '* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))',
  '* 1 FETCH (UID 1)',
  '* 9 FETCH (UID 999 FLAGS ())',
  '* 1 FETCH (MODSEQ (12345))',
  '* 1 FETCH (BODY[] NIL)',
  '* 1 FETCH (UID 1 BODY[] NIL)',
  '* 1 FETCH (INTERNALDATE NIL)',
  '* 1 FETCH ()',
  '* 1 FETCH',
  '* 9 FETCH (UID 999 BODY[]<0> {3}\r\nabc)',
  '* 9 EXISTS',
  '* 0 RECENT',
  '* 9 EXPUNGE',
  '* VANISHED 41,43:116',
  '* FLAGS (\\Answered \\Seen)',
  '* FLAGS ()',
  '* OK [ALERT] the disk is nearly full',
  '* OK [PERMANENTFLAGS (\\*)] limited',
  '* OK [UNSEEN 12] first',
  '* OK [HIGHESTMODSEQ 715194045007]',
  '* OK [NOMODSEQ]',
  '* OK [X-UNKNOWN "a b" {2}\r\nab] words',
  '* OK',
  '* OK still here',
  '* NO [OVERQUOTA] slow',
  '* BAD what',
  '* CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN',
  '* STATUS INBOX (MESSAGES 231 UIDNEXT 44292)',
  '* LIST (\\Noselect) NIL ""',
  '* LIST (\\HasNoChildren) "/" {5}\r\nOther',
  '* NAMESPACE (("" "/")) NIL NIL',
  '* ENABLED CONDSTORE',
  '* ID NIL',
  '* ESEARCH (TAG "A1") UID COUNT 2',
  '* SEARCH',
  '* X-OWN (a (b "c") NIL)',
  '* 12345678901234567890 EXISTS',
  '*',
  '* VANISHED (EARLIER) 1:3',
  '* OK [BADCHARSET (UTF-8)] words',
  '* OK [UIDNEXT 1] next',
  '* OK [CLOSED] the former mailbox',
  '* OK [',
  '* PREAUTH again',
  '* METADATA INBOX /private/comment',
  '* QUOTA "" (STORAGE 1 2)',
  '* THREAD (1)(2)',
  '* ESEARCH',
  '* FLAGS NIL',
  '* NIL',
  '* ""',
  '* 1 X-OWN NIL',
  'ZZ9 OK of no command',
  '+ go on',
];

/** Places at which they come: before and after the usual answer to a command. The greeting is the answer to none. */
const commands = ['EXAMINE', 'UID SEARCH', 'UID FETCH', 'CAPABILITY', 'AUTHENTICATE', 'LIST', 'LOGOUT', 'greeting'];

/** Adds a response to the answer to a command. The tagged line comes last, and the greeting first. */
const beside =
  (response: string, command: string): Alter =>
  (answer, to) => {
    if (to === '') return command === 'greeting' ? `${answer}${response}\r\n` : answer;
    // Any LIST is an answer to this question for the root, and imapflow takes no literal as one.
    const isRoot = to === 'LIST "" ""' && response.startsWith('* LIST');
    if (!to.startsWith(command) || isRoot) return answer;
    return `${response}\r\n${answer.replace(/([^\r\n]+\r\n)$/, `${response}\r\n$1`)}`;
  };

test('a response that nobody asked for changes nothing, wherever it comes', async (t) => {
  for (const response of isWide ? unsolicited : unsolicited.slice(0, 9)) {
    const { imap, read, canaries } = await sceneFor(t);
    imap.deliver(replyOf('ack 1h', 'a'));
    imap.deliver(replyOf('ack 2h', 'b'));
    for (const command of isWide ? commands : ['UID FETCH']) {
      imap.alter = beside(response, command);
      const { fault, lines, passedOver } = await read();
      const what = `${response} at ${command}`;
      assert.deepEqual([fault?.message, passedOver.map(({ message }) => message)], [undefined, []], what);
      if (command === (isWide ? commands[0] : 'UID FETCH')) assert.deepEqual(lines, ['ack 1h', 'ack 2h'], what);
      assert.deepEqual(await canaries(), [2, undefined], what);
    }
    await imap.stop();
  }
});

test('nor does it while the folders are listed', { skip: skipUnlessWide }, async (t) => {
  const { imap, settings } = await sceneFor(t);
  const other = '89abcdef0123456789abcdef';
  const source = replyOf('x', 'a').replaceAll(token, other).replace('Subject: ', 'Subject: Fleet Health canary ');
  imap.junk.push({ uid: 1, arrivedAtMs: Date.now(), source });
  for (const response of unsolicited) {
    imap.alter = beside(response, 'LIST');
    const options = { tokens: [other], sinceMs: Date.now(), timeoutMs: 20_000, signal: never };
    const { found, fault } = await findCanaries(settings, options);
    const folders = found.map(({ folder }) => folder);
    assert.deepEqual([fault?.message, folders], [undefined, ['junk']], response);
  }
});

test('nor does it before TLS begins, and BYE there ends the reading', { skip: skipUnlessWide }, async (t) => {
  const certificates = makeCertificates(tempFolder(t));
  const { imap, settings } = await sceneFor(t, certificates.good);
  const tls: RepliesConfig = { ...settings, security: 'starttls', ca: certificates.ca };
  imap.deliver(replyOf('ack 1h', 'a'));
  for (const response of unsolicited) {
    for (const command of ['greeting', 'STARTTLS']) {
      imap.alter = beside(response, command);
      const limits = { timeoutMs: 20_000, signal: never };
      const { replies, fault } = await readReplies(tls, { position: null, sinceMs: Date.now() - 1000, ...limits });
      const lines = replies.map(({ line }) => line);
      assert.deepEqual([fault?.message, lines], [undefined, ['ack 1h']], `${response} at ${command}`);
    }
  }
  imap.commands.splice(0);
  imap.alter = (answer, to) => (to === 'STARTTLS' ? '* BYE so long\r\n' : answer);
  const { fault } = await readReplies(tls, { position: null, sinceMs: 0, timeoutMs: 5000, signal: never });
  assert.match(fault?.message ?? '', /: so long$/);
  assert.doesNotMatch(imap.commands.join('\n'), /AUTH|LOGIN|EXAMINE|FETCH/);
});

const onFetchOf =
  (uid: number, change: (answer: string) => string): Alter =>
  (answer, to) =>
    answer.includes(`UID ${uid} INTERNALDATE`) && to.startsWith('UID FETCH') ? change(answer) : answer;
const bodyOf = (uid: number): RegExp =>
  new RegExp(`(UID ${uid} INTERNALDATE "[^"]*") BODY\\[\\]<0> \\{\\d+\\}\\r\\n[^]*?\\)\\r\\n(?=\\*|\\w+ OK)`);

/** Faults of a server at the first of three messages. */
const unreadable: Readonly<Record<string, Alter>> = {
  'has no content': onFetchOf(1, (answer) => answer.replace(bodyOf(1), '$1 BODY[]<0> NIL)\r\n')),
  'is left out': onFetchOf(1, (answer) => answer.replace(/^\* 1 FETCH[^]*?\)\r\n(?=\*|\w+ OK)/, '')),
  'is longer than was asked for': onFetchOf(1, (answer) =>
    answer.replace(bodyOf(1), `$1 BODY[] {3000000}\r\n${'x'.repeat(3_000_000)})\r\n`),
  ),
  'is nested without end': onFetchOf(1, (answer) =>
    answer.replace(bodyOf(1), `$1 X ${'('.repeat(5000)}${')'.repeat(5000)})\r\n`),
  ),
  'ends the command': onFetchOf(
    1,
    (answer) => `${/(\w+) OK done\r\n$/.exec(answer)?.[1] ?? ''} NO [SERVERBUG] corrupt\r\n`,
  ),
  'ends the connection': onFetchOf(1, () => '* BYE Internal error\r\n'),
  'never ends': onFetchOf(1, (answer) => answer.replace(/( BODY\[\]<0> \{\d+\}\r\n[^]{20})[^]*$/, '$1')),
  'is announced too long': onFetchOf(1, (answer) => answer.replace(/( BODY\[\]<0> \{)/, '$19')),
};

for (const [name, alter] of Object.entries(unreadable)) {
  test(`a message that ${name} is passed over once, and named`, async (t) => {
    const { imap, read, canaries } = await sceneFor(t);
    for (const [index, body] of ['ack 1h', 'ack 2h', 'ack 3h'].entries()) imap.deliver(replyOf(body, `m${index}`));
    imap.alter = alter;
    const { lines, fault, passedOver } = await read(4000);
    assert.deepEqual({ lines, fault: fault?.message }, { lines: ['ack 2h', 'ack 3h'], fault: undefined });
    assert.match(
      passedOver.map(({ message }) => message).join(),
      /^replies at \S+: message 1 cannot be read and is passed over: /,
    );
    assert.deepEqual(await canaries(4000), [2, undefined]);
    imap.deliver(replyOf('ack 4h', 'm4'));
    const then = await read();
    assert.deepEqual([then.lines, then.passedOver, then.fault], [['ack 4h'], [], null]);
  });

  test(`a message that ${name} hides no later one if it was the newest`, { skip: skipUnlessWide }, async (t) => {
    const { imap, read } = await sceneFor(t);
    imap.deliver(replyOf('ack 1h', 'm0'));
    imap.alter = alter;
    const first = await read(4000);
    assert.ok(first.fault !== null || first.passedOver.length === 1);
    imap.deliver(replyOf('ack 2h', 'm1'));
    const { lines, fault, passedOver } = await read(4000);
    assert.deepEqual({ lines, fault: fault?.message }, { lines: ['ack 2h'], fault: undefined });
    assert.equal(first.passedOver.length + passedOver.length, 1);
    assert.deepEqual((await read(4000)).lines, []);
  });
}

test('a mailbox that is made anew while it is read is read by the next pass', async (t) => {
  const { imap, read } = await sceneFor(t);
  for (const [index, body] of ['ack 1h', 'ack 2h', 'ack 3h'].entries()) imap.deliver(replyOf(body, `m${index}`));
  imap.alter = onFetchOf(2, (answer) => {
    imap.uidValidity += 1;
    return answer.replace(/^\* 2 FETCH[^]*$/m, '* BYE Internal error\r\n');
  });
  const { lines, fault, passedOver } = await read();
  assert.deepEqual([lines, passedOver], [['ack 1h'], []]);
  assert.match(fault?.message ?? '', /the mailbox was made anew while it was read$/);
  imap.alter = null;
  const then = await read();
  assert.deepEqual([then.lines, then.fault], [['ack 1h', 'ack 2h', 'ack 3h'], null]);
});

/** Servers whose answers lack a part, or that have another form of it. */
const lacking: Readonly<Record<string, Alter>> = {
  'no UIDNEXT': (answer) => answer.replace(/\* OK \[UIDNEXT[^\r]*\r\n/, ''),
  'no UIDVALIDITY': (answer) => answer.replace(/\* OK \[UIDVALIDITY[^\r]*\r\n/, ''),
  'a UIDVALIDITY beyond all bounds': (answer) => answer.replace(/(UIDVALIDITY )\d+/, `$1${'9'.repeat(200)}`),
  'no EXISTS': (answer) => answer.replace(/\* \d+ EXISTS\r\n/, ''),
  'no words': (answer, to) => (to.startsWith('EXAMINE') ? answer.replace(/(\w+ OK) \[READ-ONLY\] done/, '$1') : answer),
  'the ids as ESEARCH': (answer) => answer.replace(/^\* SEARCH (\d+) (\d+)/m, '* ESEARCH (TAG "x") UID ALL $1,$2'),
  'the ids in two lines': (answer) => answer.replace(/^\* SEARCH (\d+) (\d+)/m, '* SEARCH $1\r\n* SEARCH $2'),
  'no arrival': (answer) => answer.replace(/INTERNALDATE "[^"]*" /g, ''),
  'the arrival as NIL': (answer) => answer.replace(/INTERNALDATE "[^"]*"/g, 'INTERNALDATE NIL'),
  'the arrival apart': (answer) =>
    answer.replace(/\* (\d+) FETCH \((UID \d+) (INTERNALDATE "[^"]*") /g, '* $1 FETCH ($2 $3)\r\n* $1 FETCH ($2 '),
  'the id last': (answer) =>
    answer.replace(
      /\((UID \d+) (INTERNALDATE "[^"]*") (BODY\[\]<0> \{\d+\}\r\n[^]*?)\)\r\n(?=\*|\w+ OK)/g,
      '($2 $3 $1)\r\n',
    ),
  'messages in another order': (answer, to) =>
    to.startsWith('UID FETCH') ? answer.replace(/^(\* 1 FETCH[^]*?)(\* 2 FETCH[^]*?)(\w+ OK)/, '$2$1$3') : answer,
  'each message twice': (answer, to) =>
    to.startsWith('UID FETCH') ? answer.replace(/^([^]*?)(\w+ OK done)/, '$1$1$2') : answer,
  PREAUTH: (answer, to) => (to === '' ? '* PREAUTH you are known\r\n' : answer),
  'a UIDNEXT of NIL': (answer) => answer.replace(/UIDNEXT \d+/, 'UIDNEXT NIL'),
  'a UIDNEXT beyond all bounds': (answer) => answer.replace(/UIDNEXT \d+/, `UIDNEXT ${'9'.repeat(30)}`),
  'a UIDVALIDITY of NIL': (answer) => answer.replace(/UIDVALIDITY \d+/, 'UIDVALIDITY NIL'),
  'a UIDVALIDITY without a number': (answer) => answer.replace(/UIDVALIDITY \d+/, 'UIDVALIDITY'),
  'the ids as a range': (answer) => answer.replace(/^\* SEARCH( \d+)+/m, '* ESEARCH (TAG "x") UID ALL 1:9'),
  'ids that are none': (answer) => answer.replace(/^\* SEARCH/m, '* SEARCH 0 -1 abc NIL (1) 1e400 99999999999'),
  'the arrival as a literal': (answer) =>
    answer.replace(/INTERNALDATE "([^"]*)"/g, (_, time: string) => `INTERNALDATE {${time.length}}\r\n${time}`),
  'an arrival that is none': (answer) => answer.replace(/INTERNALDATE "[^"]*"/g, 'INTERNALDATE "99-Xxx-2026 99:99:99"'),
  'the content as binary': (answer) => answer.replace(/BODY\[\]<0> \{/g, 'BODY[]<0> ~{'),
  'the content without its offset': (answer) => answer.replace(/BODY\[\]<0>/g, 'BODY[]'),
  'words in lower case': (answer) => answer.replace(/\b(UID|INTERNALDATE|BODY|FETCH)\b/g, (word) => word.toLowerCase()),
  'the id in quotes': (answer, to) => (to.startsWith('UID FETCH') ? answer.replace(/UID (\d+)/g, 'UID "$1"') : answer),
  'parts of NIL': (answer) =>
    answer.replace(/FETCH \(/g, 'FETCH (ENVELOPE NIL BODYSTRUCTURE NIL BODY NIL FLAGS NIL RFC822.SIZE NIL X-A "b" '),
  'parts of another form': (answer) =>
    answer.replace(/FETCH \(/g, 'FETCH (ENVELOPE ("x" (NIL) ((NIL) NIL)) BODYSTRUCTURE ("TEXT") FLAGS (NIL) MODSEQ x '),
  'lines that end with LF': (answer) => answer.replace(/\)\r\n/g, ')\n'),
  'NO after all messages': (answer, to) =>
    to.startsWith('UID FETCH') ? answer.replace(/OK done\r\n$/, 'NO [EXPUNGEISSUED] some are gone\r\n') : answer,
  'a LOGOUT that never ends': (answer, to) => (to.startsWith('LOGOUT') ? '* X-OWN {500}\r\nabc' : answer),
  'a login that is disabled beside another': (answer) => answer.replace('AUTH=PLAIN', 'LOGINDISABLED AUTH=PLAIN'),
  'IMAP4rev2 alone': (answer) => answer.replace('IMAP4rev1', 'IMAP4rev2 ESEARCH LITERAL-'),
  'capabilities after the login': (answer, to) =>
    to.startsWith('AUTHENTICATE') ? answer.replace('OK done', 'OK [CAPABILITY IMAP4rev1 ID NAMESPACE] done') : answer,
  'folders in other forms': (answer, to) =>
    to.startsWith('LIST') ? `* LIST\r\n* LIST NIL NIL NIL\r\n* LIST () "/" {2}\r\nxy\r\n${answer}` : answer,
  'a greeting with capabilities': (answer, to) =>
    to === '' ? '* OK [CAPABILITY IMAP4rev1 IMAP4rev2 AUTH=PLAIN] hi\r\n' : answer,
};

for (const [name, alter] of Object.entries(lacking).slice(0, isWide ? undefined : 6)) {
  test(`a server with ${name} is read`, async (t) => {
    const { imap, read, canaries } = await sceneFor(t);
    imap.deliver(replyOf('ack 1h', 'a'));
    imap.deliver(replyOf('ack 2h', 'b'));
    imap.alter = alter;
    const { lines, fault, passedOver } = await read();
    assert.deepEqual([lines, fault, passedOver], [['ack 1h', 'ack 2h'], null, []]);
    assert.deepEqual(await canaries(), [2, undefined]);
    imap.deliver(replyOf('ack 3h', 'c'));
    const then = await read();
    assert.deepEqual([then.lines.at(-1), then.fault], ['ack 3h', null]);
  });
}

/** Servers that cannot be read: the words of the fault. */
const faulty: Readonly<Record<string, readonly [Alter, RegExp]>> = {
  'greets with BYE': [
    (answer, to) => (to === '' ? '* BYE Too many connections\r\n' : answer),
    /: Too many connections$/,
  ],
  'says BYE at the mailbox': [
    (answer, to) => (to.startsWith('EXAMINE') ? '* BYE [UNAVAILABLE] shutting down\r\n' : answer),
    /shutting down/,
  ],
  'refuses to search': [
    (answer, to) => (to.startsWith('UID SEARCH') ? answer.replace(/^[^]*?(\w+) OK done/, '$1 NO later') : answer),
    /refused to search/,
  ],
  'sends without end': [
    (answer, to) => (to.startsWith('UID FETCH') ? '* 1 FETCH (FLAGS (\\Seen))\r\n'.repeat(400_000) : answer),
    /more than was asked for/,
  ],
  'says BYE at its capabilities': [
    (answer, to) => (to === 'CAPABILITY' ? '* BYE [X-OWN] so long\r\n' : answer),
    /: so long$/,
  ],
  'says BYE at the login': [
    (answer, to) => (to.startsWith('AUTHENTICATE') ? '* BYE so long\r\n' : answer),
    /: so long$/,
  ],
  'says BYE at the list of folders': [
    (answer, to) => (to.startsWith('LIST') ? '* BYE so long\r\n' : answer),
    /: so long$/,
  ],
  'says BYE at the search': [
    (answer, to) => (to.startsWith('UID SEARCH') ? '* BYE so long\r\n' : answer),
    /: so long$/,
  ],
  'says BYE at each message': [
    (answer, to) => (to.startsWith('UID FETCH') ? '* BYE so long\r\n' : answer),
    /: so long$/,
  ],
  'disables the login': [(answer) => answer.replace('AUTH=PLAIN', 'LOGINDISABLED'), /the login was refused: /],
  'refuses to list': [
    (answer, to) => (to.startsWith('LIST') ? answer.replace(/^[^]*?(\w+) OK done/, '$1 NO [NOPERM] not you') : answer),
    /not you$/,
  ],
  'has no such folder': [
    (answer, to) =>
      to.startsWith('EXAMINE') ? answer.replace(/^[^]*?(\w+) OK .*/, '$1 NO [NONEXISTENT] none') : answer,
    /none$/,
  ],
  'stalls at its capabilities': [
    (answer, to) => (to === 'CAPABILITY' ? '* X-OWN {500}\r\nabc' : answer),
    /no answer within 2 s while logging in$/,
  ],
  'stalls at the search': [
    (answer, to) => (to.startsWith('UID SEARCH') ? '* SEARCH {50}\r\n1 2' : answer),
    /no answer within 2 s while reading the mailbox$/,
  ],
  'stalls at each message': [
    (answer, to) => (to.startsWith('UID FETCH') ? '* 1 FETCH (UID 1 X {50}\r\n1 2' : answer),
    /no answer within 0\.5 s while reading a message$/,
  ],
};

test('what is to be done about a login that a provider refuses', async (t) => {
  const { imap, read } = await sceneFor(t);
  for (const [words, advice] of [
    ['[ALERT] Application-specific password required: https://support.google.com/', /^Make an app password/],
    ['[WEBALERT https://accounts.google.com/] Web login required.', /^Make an app password/],
    ['LOGIN failed. BasicAuthBlocked', /switched off logins by password/],
    ['Basic authentication is disabled.', /switched off logins by password/],
    ['[ALERT] Your account is not enabled for IMAP use.', /^Switch on IMAP/],
    ['[AUTHENTICATIONFAILED] Invalid credentials', /^Check <replies>/],
  ] as const) {
    imap.act = (command) => (/^(?:LOGIN|AUTHENTICATE)/.test(command) ? `NO ${words}` : undefined);
    assert.match((await read()).fault?.advice ?? '', advice, words);
  }
});

for (const [index, [name, [alter, words]]] of Object.entries(faulty).entries()) {
  const skip = index > 3 && skipUnlessWide;
  test(`a server that ${name} is a mailbox that cannot be read`, { skip }, async (t) => {
    const { imap, read, canaries } = await sceneFor(t);
    imap.deliver(replyOf('ack 1h', 'a'));
    imap.alter = alter;
    const timeoutMs = name.startsWith('stalls') ? 2000 : undefined;
    const [found, why = ''] = await canaries(timeoutMs);
    assert.equal(found, 0);
    assert.match(why, words);
    const { lines, fault, position } = await read(timeoutMs);
    assert.deepEqual([lines, fault?.code, position], [[], 'replies-unread', null]);
    assert.match(fault?.message ?? '', words);
    imap.alter = null;
    assert.deepEqual((await read()).lines, ['ack 1h']);
  });
}

test('a server without STARTTLS that knows the user already is not read in plain text', async (t) => {
  const { imap, settings } = await sceneFor(t);
  imap.deliver(replyOf('ack 1h', 'a'));
  imap.alter = (answer, to) => (to === '' ? '* PREAUTH you are known\r\n' : answer);
  const tls: RepliesConfig = { ...settings, security: 'starttls' };
  const limits = { timeoutMs: 5000, signal: never };
  const { replies, fault } = await readReplies(tls, { position: null, sinceMs: 0, ...limits });
  const look = await findCanaries(tls, { tokens: [token], sinceMs: 0, ...limits });
  assert.deepEqual([replies, look.found], [[], []]);
  for (const one of [fault, look.fault]) assert.match(one?.message ?? '', /: Server does not support STARTTLS$/);
  assert.doesNotMatch(imap.commands.join('\n'), /AUTH|LOGIN|EXAMINE|FETCH/);
});
