/** Bounces, automatic answers and odd mails, read as replies and as copies of a mail that was sent to be found. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { kindOfCopy, parseReply } from '../../src/notify/replies/parse-reply.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { named, thrownWords, type Case, type Subject } from './subject.ts';

const token = '0123456789abcdef01234567';
/** Mails that are read wrongly on purpose, with the reason. */
const left: Readonly<Record<string, string>> = {
  'simple_20.txt': 'its subject begins with `Re:`, as that of a person who answers an alert about mails',
};

/** The longest time of one mail. */
const slowMs = 1000;

/** A mail's kind by its corpus: it was not delivered, or will be tried again, or a program answered, or a person. */
type Kind = 'bounce' | 'delayed' | 'answer' | 'person' | 'any';

interface Recorded {
  readonly corpus: Corpus;
  readonly file: string;
  readonly kind: Kind;
}

export const mails: Subject = {
  name: 'mails',
  packages: [
    ...['flufl.bounce', 'libmail-deliverystatus-bounceparser-perl', 'libsisimai-perl', 'libmime-tools-perl'],
    ...['mailman3', 'ruby-mail', 'ruby-email-reply-trimmer', 'ruby-email-reply-parser', 'notmuch', 'public-inbox'],
    ...['python3.13', 'request-tracker5'],
  ],
  cases: async function* (corpora) {
    for (const recorded of recordings(corpora)) yield await caseOf(recorded);
  },
};

async function caseOf({ corpus, file, kind }: Recorded): Promise<Case> {
  const name = path.relative(corpus.folder, file);
  // An answer names the mail that it answers.
  const answered = kind === 'answer' ? `In-Reply-To: <canary-${token}@example.org>\r\n` : '';
  const content = Buffer.concat([Buffer.from(answered), readFileSync(file)]);
  const begun = performance.now();
  try {
    const found = kindOfCopy(content, token);
    const addressed = Buffer.concat([Buffer.from(`Delivered-To: replies+${token}@example.org\r\n`), content]);
    const reply = await parseReply(addressed);
    const command = await commandAbove(addressed);
    const words = `${kind}: ${typeof found === 'string' ? found : `bounce: ${found.bounce}`}; ${
      reply === null ? 'no reply' : `${reply.automatic ? 'automatic' : 'of a person'}, ${reply.line ?? 'no command'}`
    }`;
    const faults = [
      ...(reply === null ? ['its address is lost'] : []),
      ...(reply?.command === null || reply === null ? [] : ['it has a command']),
      ...(kind === 'bounce' && typeof found === 'string' ? ['it was not delivered'] : []),
      ...(kind === 'delayed' && found !== 'answer' ? ['it is still tried'] : []),
      ...(kind === 'answer' && found !== 'answer' ? ['a program answered'] : []),
      ...(command === null || command === 'ack 4h' ? [] : [`a command above its text is ${command}`]),
      ...(kind === 'person' && found !== 'itself' ? ['a person wrote it'] : []),
      ...(['bounce', 'delayed', 'answer'].includes(kind) && reply?.automatic === false ? ['it is automatic'] : []),
      ...(typeof found !== 'string' && found.bounce.trim() === '' ? ['it has no reason'] : []),
      ...(performance.now() - begun > slowMs ? ['it takes too long'] : []),
    ];
    const reason = left[path.basename(file)];
    if (reason !== undefined) return { corpus, name, outcome: 'refused', words: `left: ${reason}; ${words}` };
    return { corpus, name, outcome: faults.length > 0 ? 'wrong' : 'read', words: [...faults, words].join('; ') };
  } catch (thrown) {
    return { corpus, name, outcome: 'wrong', words: thrownWords(thrown) };
  }
}

const mailFiles =
  /\/test\/corpora\/.*\/(?:[\d.:,_%RSF-]+|.*,.*)$|\.eml$|\/test_email\/data\/msg_.*\.txt$|\/t\/data\/emails\/[^.]*$/;

/** Returns the command that a person is understood to give above the text of a mail; null if that is no plain text. */
async function commandAbove(mail: Buffer): Promise<string | null> {
  const text = mail.toString('latin1');
  const [head = '', breaks = ''] = /^[^]*?(\r?\n\r?\n)/.exec(text) ?? [];
  const isPlain =
    !/^content-type:[ \t]*(?!text\/plain)/im.test(head) && !/^content-transfer-encoding:[ \t]*(?![78]bit)/im.test(head);
  if (!isPlain || breaks === '') return null;
  const reply = await parseReply(Buffer.from(`${head}ack 4h\n\n${text.slice(head.length)}`, 'latin1'));
  return reply?.line ?? 'none';
}

function recordings(corpora: readonly Corpus[]): readonly Recorded[] {
  return [
    ...named(corpora, 'flufl.bounce').flatMap(ofFlufl),
    ...named(corpora, 'libmail-deliverystatus-bounceparser-perl').flatMap(ofBounceParser),
    ...named(corpora, 'libsisimai-perl').flatMap((corpus) =>
      filesIn(corpus.folder, /set-of-emails\/.*\.eml$/).map((file): Recorded => ({ corpus, file, kind: 'any' })),
    ),
    ...named(corpora, 'libmime-tools-perl', 'mailman3', 'ruby-mail').flatMap((corpus) =>
      filesIn(corpus.folder, /\/testmsgs\/.*\.msg$|\.eml$/).map((file): Recorded => ({ corpus, file, kind: 'any' })),
    ),
    ...named(corpora, 'notmuch', 'public-inbox', 'python3.13', 'request-tracker5').flatMap((corpus) =>
      filesIn(corpus.folder, mailFiles).map((file): Recorded => ({
        corpus,
        file,
        kind: corpus.name === 'notmuch' ? 'person' : 'any',
      })),
    ),
    ...named(corpora, 'ruby-email-reply-trimmer', 'ruby-email-reply-parser').flatMap((corpus) =>
      filesIn(corpus.folder, /\/test\/emails\/.*\.(?:txt|eml)$/).map((file): Recorded => ({
        corpus,
        file,
        kind: 'any',
      })),
    ),
  ];
}

/** Returns the mails of a table with a line for each: the addresses found in it, and True if it is still tried. */
function ofFlufl(corpus: Corpus): readonly Recorded[] {
  const table = readFileSync(path.join(corpus.folder, 'flufl/bounce/testing/helpers.py'), 'utf8');
  const kinds = new Map<string, Kind>();
  for (const [, name = '', addresses = '', more = ''] of table.matchAll(
    /\('\w+',\s*'(\w+\.txt)',\s*\[([^\]]*)\](,\s*True)?/g,
  )) {
    if (addresses !== '') kinds.set(name, more === '' ? 'bounce' : 'delayed');
  }
  return filesIn(corpus.folder, /tests\/data\/.*\.txt$/).map((file) => ({
    corpus,
    file,
    kind: kinds.get(path.basename(file)) ?? 'any',
  }));
}

/** The mails of BounceParser are named for what they are; all but these are bounces. */
const kindsOfBounceParser: Readonly<Record<string, Kind>> = {
  'aol-vacation': 'answer',
  autoreply: 'answer',
  'polish-autoreply': 'answer',
  'boxbe-cr': 'any',
  'boxbe-cr2': 'any',
  bluebottle: 'any',
  whitelist: 'any',
  spambouncer: 'any',
  // Ordinary mails, which show that the package finds no address in them.
  'spam-bogus-email-in-report': 'any',
  'spam-with-image': 'any',
};

function ofBounceParser(corpus: Corpus): readonly Recorded[] {
  return filesIn(corpus.folder, /t\/corpus\/.*\.msg$/).map((file) => {
    const name = path.basename(file, '.msg');
    return { corpus, file, kind: kindsOfBounceParser[name] ?? (name.startsWith('warning-') ? 'any' : 'bounce') };
  });
}
