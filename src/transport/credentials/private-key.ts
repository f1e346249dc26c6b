import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

import { refusedFile } from '../../platform/account.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { fingerprint } from '../known-hosts/fingerprint.ts';
import { parseKey, type ParsedKey } from '../connection/ssh2.ts';

/** A key for logging in. `usable` is null for a public key alone, which selects a key of the ssh-agent. */
export interface LoginKey {
  readonly usable: ParsedKey | null;
  readonly publicBlob: Buffer;
  readonly fingerprint: string;
}

/** The most bytes of a key file. A large key (RSA 16384) has 13 KB. */
const maxFileBytes = 64 * 1024;

const loaded = new Map<string, { readonly stamp: string; readonly key: LoginKey }>();

/**
 * Loads a key in OpenSSH's own format, PEM (PKCS#1, SEC 1) or PKCS#8, encrypted or not, or a public key. Decodes it
 * once a process for each state of the file. Throws FleetError `credentials-unusable`, which never quotes the file.
 */
export function loadPrivateKey(path: string, passphrase: string | null): LoginKey {
  try {
    const file = statSync(path);
    if (file.size === 0 && file.isFile()) throw new NoKey('the file is empty');
    if (!file.isFile()) throw new NoKey(file.isDirectory() ? 'it is a folder' : 'it is no regular file');
    if (file.size > maxFileBytes) throw new NoKey();
    const secret = createHash('sha256')
      .update(passphrase ?? '')
      .digest('hex');
    const stamp = [file.ino, file.mtimeMs, file.size, secret].join(' ');
    const known = loaded.get(path);
    if (known?.stamp === stamp) return known.key;
    const key = decodeLoginKey(readFileSync(path, 'utf8'), passphrase);
    // ssh's own rule: others must not read a key of this account. A key of root with this account's group is allowed.
    const open = file.uid === process.getuid?.() && (file.mode & 0o077) !== 0;
    if (key.usable !== null && open) throw new OpenToOthers();
    loaded.set(path, { stamp, key });
    return key;
  } catch (thrown) {
    const [reason, advice] = reasonOf(path, thrown);
    const message = `privateKey ${path}: ${reason}`;
    throw new FleetError({ code: 'credentials-unusable', stage: 'login', message, advice, cause: thrown });
  }
}

function reasonOf(path: string, thrown: unknown): readonly [reason: string, advice: string | undefined] {
  if (thrown instanceof OpenToOthers) return ['others can read it', `chmod 600 ${path}`];
  const isMissing = errnoOf(thrown) === 'ENOENT';
  if (isMissing) return ['the file does not exist', `Make the key with ssh-keygen -f ${path}, or correct privateKey.`];
  if (thrown instanceof OtherCipher) return [thrown.message, `ssh-keygen -p -Z aes256-ctr -f ${shownShellWord(path)}`];
  if (thrown instanceof NoKey)
    return [thrown.message, thrown.advice ?? 'Name the file of a private key, or make one with ssh-keygen.'];
  return [refusedFile(thrown)?.reason ?? messageOf(thrown), undefined];
}

class OpenToOthers extends Error {}

/** The error for a file that holds no key, or a part of one: `it is no key`. `advice` mends a usual damage. */
export class NoKey extends Error {
  readonly advice: string | null;

  constructor(message = 'it is no key', advice: string | null = null) {
    super(message);
    this.advice = advice;
  }
}

/** The error for a key with a cipher that ssh2 does not have. */
class OtherCipher extends Error {}

/** The error for an encrypted key without a passphrase. */
export class EncryptedKey extends Error {
  constructor() {
    super('it is encrypted and no passphrase is configured');
  }
}

/** The error for a server that accepts RSA signatures only over SHA-1. */
export class Sha1Refused extends Error {
  constructor() {
    super('the server takes RSA keys with SHA-1 alone (ssh-rsa), which is not used; take an Ed25519 key');
  }
}

/** Decodes a key from the text of a file. Throws an Error whose message does not quote the text. */
export function decodeLoginKey(text: string, passphrase: string | null): LoginKey {
  const parsed = decode(text.replace(/^\ufeff/, ''), passphrase);
  if ((parsed.type as string) === 'ssh-dss') throw new NoKey('keys of type DSA are not supported', anotherKey);
  const publicBlob = parsed.getPublicSSH();
  return {
    usable: parsed.isPrivateKey() ? withFastSignature(parsed) : null,
    publicBlob,
    fingerprint: fingerprint(publicBlob),
  };
}

function decode(text: string, passphrase: string | null): ParsedKey {
  // ssh reads a file that begins with a key of its own format as that, and any other file as PEM.
  const isOpenssh = opensshBegin.test(text);
  if (!isOpenssh && /^-----BEGIN (?:ENCRYPTED |RSA |EC )?PRIVATE KEY-----/m.test(text))
    return fromPem(text, passphrase);
  if (/^\S+-cert-v01@openssh\.com /.test(text)) throw new Error('it is a certificate, which needs transport="openssh"');
  // ssh reads the first key of a file, whatever follows.
  const first = opensshKey.exec(text)?.[0] ?? text;
  const parsed = passphrase === null ? parseKey(first) : parseKey(first, passphrase);
  if (!(parsed instanceof Error)) return parsed;
  if (/no passphrase/.test(parsed.message)) throw new EncryptedKey();
  if (/integrity check|bad decrypt|MAC mismatch/i.test(parsed.message)) throw new Error('the passphrase is wrong');
  for (const [pattern, what, advice] of notForSsh2) if (pattern.test(text)) throw new NoKey(what, advice);
  if (/sk-(?:ssh|ecdsa)/.test(parsed.message)) throw new Error('it is a security key, which needs transport="openssh"');
  throw unusualKey(text) ?? (isUnread.test(parsed.message) ? new NoKey(damagedWords(text)) : parsed);
}

const opensshBegin = /^\s*-----BEGIN OPENSSH PRIVATE KEY-----/;
const isUnread = /^(?:Unsupported key format|Malformed )/;

function damagedWords(text: string): string | undefined {
  return text.includes('PRIVATE KEY-----') ? 'it is damaged' : undefined;
}

/** The usual damages of key files: the pattern, the reason, and the remedy. */
const damages: readonly (readonly [RegExp, string, string])[] = [
  [/^\ufffd|^-\0/, 'it is UTF-16', 'Save it as plain text (ASCII), with the mode 600.'],
  [/-----\\[rn]/, 'its line breaks are written as \\n', "Write them as line breaks: printf '%b'."],
  [/-----[ \t]+[A-Za-z0-9+/=]|-----\r(?!\n)/, 'its line breaks are lost', 'Copy the file again, as it was made.'],
  [/^(?![^]*-----END )[^]*PRIVATE KEY-----/, 'its end is missing', 'Copy the whole file, with its last line.'],
  [
    /^(?!\s*-----BEGIN OPENSSH)[^]*-----BEGIN OPENSSH/,
    'there is text before the key, with which ssh does not read it either',
    'Remove all text before -----BEGIN OPENSSH PRIVATE KEY-----.',
  ],
  [
    /^[ \t]+\S|[ \t]+\r?$/m,
    'it has blanks at the beginning or end of its lines, with which ssh does not read it either',
    'Remove the blanks.',
  ],
];

/** Returns the error for a damage or a cipher that people can change. Returns null for others. */
function unusualKey(text: string): NoKey | OtherCipher | null {
  const cipher = opensshCipher(text);
  if (cipher === 'chacha20-poly1305@openssh.com') {
    return new OtherCipher(`it is encrypted by ${cipher}, which needs transport="openssh" or another cipher`);
  }
  if (!/PRIVATE KEY-----/.test(text.replaceAll('\0', ''))) return null;
  const [, reason = null, advice = ''] = damages.find(([pattern]) => pattern.test(text)) ?? [];
  return reason === null ? null : new NoKey(reason, advice);
}

/** Returns the cipher of a key in OpenSSH's format (PROTOCOL.key of its sources). Returns null for other texts. */
function opensshCipher(text: string): string | null {
  const [, base64] = /^\s*-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]{80})/.exec(text) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  return bytes.length < 19 ? null : bytes.toString('latin1', 19, 19 + bytes.readUInt32BE(15));
}

const opensshKey = /^\s*-----BEGIN OPENSSH PRIVATE KEY-----\r?\n[^]*?\n-----END OPENSSH PRIVATE KEY-----/;

/** The files of keys in other formats: the pattern, what it is, and the remedy. */
const notForSsh2: readonly (readonly [RegExp, string, string | null])[] = [
  [
    /^PuTTY-User-Key-File-/,
    'it is a PuTTY key; `puttygen FILE -O private-openssh -o NEW` makes one that can be read',
    null,
  ],
  [/^sk-\S+@openssh\.com /, 'it is a security key, which needs transport="openssh"', null],
  [
    /^---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----/,
    'it is a key of ssh.com, which OpenSSH does not read either',
    'Convert it: `puttygen FILE -O private-openssh -o NEW`.',
  ],
  [/^LS0tLS1CRUdJTi/, 'it is encoded in base64', 'Decode it: `base64 -d FILE >NEW`, with the mode 600.'],
];

/** Converts PEM by OpenSSL, which reads PKCS#8, into a format that ssh2 reads. */
function fromPem(text: string, passphrase: string | null): ParsedKey {
  const encrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (encrypted && passphrase === null) throw new EncryptedKey();
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: 'pem', ...(encrypted ? { passphrase: passphrase ?? '' } : {}) });
  } catch (thrown) {
    const unread = encrypted
      ? new Error('the passphrase is wrong, or the file is damaged', { cause: thrown })
      : new NoKey('it is damaged');
    throw unusualKey(text) ?? unread;
  }
  refuseUnusable(key);
  const read = parseKey(readableForm(key));
  // ssh2 does not read a curve whose parameters are spelt out, which JWK names (RFC 7518).
  const isSpelt = read instanceof Error && key.asymmetricKeyType === 'ec';
  const parsed = isSpelt
    ? parseKey(readableForm(createPrivateKey({ key: key.export({ format: 'jwk' }), format: 'jwk' })))
    : read;
  if (parsed instanceof Error) throw parsed;
  return parsed;
}

/** The curves of RFC 5656 that ssh has, in the words of OpenSSL. */
const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];
/** The fewest bits of an RSA key that OpenSSH takes. */
const minRsaBits = 1024;

/** Throws an error for a key that can be decoded, and that no server of SSH takes. */
function refuseUnusable({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  const { modulusLength = minRsaBits, namedCurve = 'unknown' } = asymmetricKeyDetails ?? {};
  if (modulusLength < minRsaBits) {
    throw new NoKey(
      `an RSA key of ${modulusLength} bits is too short: OpenSSH takes ${minRsaBits} and more`,
      anotherKey,
    );
  }
  if (asymmetricKeyType !== 'ec' || curves.includes(namedCurve)) return;
  throw new NoKey(`keys of the curve ${namedCurve} are not supported`, anotherKey);
}

const anotherKey = 'Make one with ssh-keygen -t ed25519.';

function readableForm(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ed25519') return opensshPrivateKey(key);
  throw new NoKey(`keys of type ${key.asymmetricKeyType ?? 'unknown'} are not supported`, anotherKey);
}

const hashOfRsa = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' } as const;

/** An algorithm of signatures by RSA keys (RFC 8332). SHA-1 (`ssh-rsa`) is not used. */
export type RsaSignature = keyof typeof hashOfRsa;

/**
 * Returns the algorithms to offer an RSA key with, in this order, to a server that names these algorithms
 * (`server-sig-algs` of RFC 8308). A server that names one of the two takes no other. Some name neither and take both
 * (OpenSSH 7.4), and some name both and take one (PubkeyAcceptedAlgorithms of sshd_config(5)).
 */
export function rsaSignaturesFor(named: readonly string[]): readonly RsaSignature[] {
  const all = Object.keys(hashOfRsa) as RsaSignature[];
  const taken = all.filter((algorithm) => named.includes(algorithm));
  return taken.length === 0 ? all : taken;
}

/** Returns the hash of a key that `signingBy` has made. Returns null for another key. */
export function hashOfSigner({ type }: ParsedKey): 'sha256' | 'sha512' | null {
  return Object.hasOwn(hashOfRsa, type) ? hashOfRsa[type as string as RsaSignature] : null;
}

/** Returns an RSA key that ssh2 offers with this algorithm. By itself ssh2 tries one algorithm of its choice. */
export function signingBy(key: ParsedKey, algorithm: RsaSignature): ParsedKey {
  const sign: ParsedKey['sign'] = (data) => key.sign(data, hashOfRsa[algorithm]);
  return Object.create(key, { type: { value: algorithm }, sign: { value: sign } }) as ParsedKey;
}

const defaultHash: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/**
 * Replaces the `sign` of ssh2, which decodes the PEM at every signature: that costs more than the signature. Leaves a
 * key unchanged that node:crypto does not accept.
 */
function withFastSignature(key: ParsedKey): ParsedKey {
  let object: KeyObject;
  try {
    object = createPrivateKey(key.getPrivatePEM());
  } catch {
    return key;
  }
  const hash = defaultHash[key.type] ?? null;
  key.sign = (data, algorithm) => {
    try {
      const digest = typeof algorithm === 'string' ? algorithm : hash;
      if (key.type === 'ssh-rsa' && (digest === null || digest === 'sha1')) throw new Sha1Refused();
      return sign(digest, Buffer.from(data as string), object);
    } catch (thrown) {
      // ssh2 expects the error as the return value.
      return thrown as Buffer;
    }
  };
  return key;
}

/**
 * Encodes an Ed25519 private key in OpenSSH's own format (PROTOCOL.key of OpenSSH), unencrypted. ssh2 reads a key of
 * this type in no other format.
 */
export function opensshPrivateKey(key: KeyObject): string {
  // RFC 8410: both DER forms end with the 32 bytes of the key.
  const seed = key.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const point = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
  const type = field('ssh-ed25519');
  const inner = Buffer.concat([Buffer.alloc(8), type, field(point), field(Buffer.concat([seed, point])), field('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const container = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([type, field(point)])),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = container.toString('base64').replace(/.{70}(?=.)/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Encodes a `string` of RFC 4251, section 5. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
