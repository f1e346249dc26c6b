/** Says in words at which step a server failed, whatever program of whichever agent told it. */
import type { CheckState } from '../checks.ts';

const maxShownChars = 80;

/** The facts about a server. */
export interface ServerFacts {
  /** The options of the check that its judgement needs. */
  readonly wants: readonly string[];
  /** Returns the last fact of a key; '' without one. */
  readonly one: (key: string) => string;
  readonly all: (key: string) => readonly string[];
}

export interface FaultWords {
  readonly state: CheckState;
  readonly text: string;
}

/** The reasons of Node, curl, GNU wget, openssl and BusyBox, and their words. The first that fits counts. */
const reasons: readonly (readonly [form: RegExp, words: (facts: ServerFacts, found: RegExpExecArray) => string])[] = [
  [/\btimeout\b|timed? out|ETIMEDOUT|ETIMEOUT|EAI_TIMEOUT/i, ({ one }) => `no answer within ${one('allowed')} s`],
  [/ECONNREFUSED|connection refused/i, (facts) => `refused by ${place(facts)}`],
  [/EHOSTUNREACH|no route to host/i, (facts) => `no route to ${place(facts)}`],
  [/ENETUNREACH|EADDRNOTAVAIL|network (?:is )?unreachable/i, (facts) => `no network to ${place(facts)}`],
  [/ENOENT|no such file/i, (facts) => `there is no ${place(facts)}`],
  [/EACCES|EPERM|permission denied/i, (facts) => `no permission for ${place(facts)}`],
  [
    /the cert's (?:altnames|list): (.*)/i,
    (facts, [, names = '']) =>
      `certificate is not for ${name(facts)}${names === '' ? '' : `, but for ${sanNames(names)}`}`,
  ],
  [
    /ALTNAME_INVALID|subject name matches|does(?: not|n't) match|hostname mismatch|no alternative|not own|name mismatch/i,
    (facts) => `certificate is not for ${name(facts)}`,
  ],
  [
    /wrong version number|packet length too long|unknown protocol|http request/i,
    (facts) => `${place(facts)} speaks no TLS`,
  ],
  [/unexpected TLS packet/i, (facts) => `${place(facts)} speaks no TLS`],
  [/known issuer|is not trusted/i, () => 'certificate of an unknown issuer'],
  [/SSL routines:[^:]*:([^:]+)/i, (_, [, words = '']) => words.trim()],
  [/SSL certificate problem: (.*)/i, (_, [, words = '']) => words.trim()],
  [/certificate has expired|CERT_HAS_EXPIRED|not (?:yet )?activated/i, () => 'certificate has expired'],
  [/(self[- ]signed certificate.*)/i, (_, [, words = '']) => words],
  [/before secure TLS|SSL_ERROR_SYSCALL|unexpected eof|non-properly terminated/i, () => 'connection closed'],
  [/ECONNRESET read|reset by peer|ECONNRESET$|EPIPE/i, () => 'connection reset'],
  [/socket hang up|empty reply|closed without an answer|no data received/i, () => 'closed without an answer'],
  [
    /HPE_HEADER_OVERFLOW|too large.*header|header.*too (?:large|long)|\((?:27|100)\)|cannot allocate/i,
    () => 'more headers than anybody needs',
  ],
  [/HPE_|HTTP\/0\.9|weird|no HTTP|invalid (?:status|header)|bad_?content|Nul byte/i, () => 'is no HTTP'],
  [/aborted|transfer closed|partial|outstanding|ECONNRESET/i, () => 'ended before its end'],
  [/unexpected end of file|incorrect header|gzip|Z_/i, () => 'cannot be unpacked'],
];

const steps: Readonly<Record<string, string>> = {
  name: 'name',
  connect: 'connect',
  tls: 'TLS',
  answer: 'answer',
  body: 'body',
};

/** Returns the words for `STEP REASON`; `missing PROGRAM` is the only fault that leaves a state unknown. */
export function faultWords(fault: string, facts: ServerFacts): FaultWords {
  const [step = ''] = fault.split(' ', 1);
  const reason = fault.slice(step.length + 1);
  if (step === 'missing') return { state: 3, text: `${bounded(reason)} is missing on the client` };
  if (reason.includes('redirects')) {
    return { state: 2, text: `redirects without end: ${facts.all('hop').length} followed, the last to ${last(facts)}` };
  }
  const label = steps[step];
  if (label === undefined) return { state: 3, text: bounded(fault) };
  if (step === 'name') return { state: 2, text: `name: ${nameWords(reason, facts)}` };
  for (const [form, words] of reasons) {
    const found = form.exec(reason);
    if (found !== null) return { state: 2, text: `${label}: ${bounded(words(facts, found))}` };
  }
  // Node tells the code before the words of OpenSSL.
  return { state: 2, text: `${label}: ${bounded(reason.replace(/^[A-Z_\d]{6,} /, ''))}` };
}

/** Says why a name has no address. A resolver of getaddrinfo does not tell every program the same. */
function nameWords(reason: string, facts: ServerFacts): string {
  const host = bounded(facts.one('host'));
  const at = facts.one('at') === '' ? 'the resolver' : bounded(facts.one('at'));
  if (/ENOTFOUND|NXDOMAIN|EAI_NONAME/.test(reason)) return `${host} does not exist`;
  if (/ENODATA|NODATA|EAI_NODATA/.test(reason)) return `${host} has no record of this type`;
  if (/SERVFAIL/.test(reason)) return `${at} fails for ${host} (SERVFAIL)`;
  if (/ECONNREFUSED/.test(reason)) return `no answer about ${host} from ${at}, which refuses`;
  if (/EREFUSED|REFUSED$/.test(reason)) return `${at} refuses to answer for ${host}`;
  if (/timeout|ETIMEOUT|ETIMEDOUT|timed out|no servers/i.test(reason)) {
    return `no answer about ${host} from ${at} within ${facts.one('allowed')} s`;
  }
  return `${host} does not resolve`;
}

function place(facts: ServerFacts): string {
  return bounded(facts.one('address') || facts.one('at'));
}

function name(facts: ServerFacts): string {
  return bounded(facts.one('host').replace(/\.$/, ''));
}

function last(facts: ServerFacts): string {
  return bounded(facts.one('hop'));
}

/** Returns the names of a certificate. */
function sanNames(text: string): string {
  return text.replaceAll(/(?:DNS|IP Address):/g, '').replaceAll('"', '');
}

/** Returns a text of at most 80 characters. */
export function bounded(text: string): string {
  return text.length <= maxShownChars ? text : `${text.slice(0, maxShownChars - 2).replace(/\p{Cs}$/u, '')}..`;
}
