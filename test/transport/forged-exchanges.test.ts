// Second tier: every forged exchange with every credential.
/**
 * Servers that know a client's host key and cannot prove it. After a forged exchange nothing is sent that is not part
 * of the exchange, even if the login goes ahead: directly and through a bastion, with a key and with a password.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';

import type { SshSettings } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { generateHostKey } from '../../src/simulator/loopback-server.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { kexInit, kexReply, newKeys, wirePacket, wireString } from '../support/ssh/dear-exchanges.ts';
import { floodingServer } from '../support/ssh/floods.ts';
import { publicBlobOf } from '../support/ssh/ssh2-server.ts';
import { listen } from '../support/servers/free-port.ts';
import { failure } from '../support/ssh/login.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sharedFor, sshBastion, sshClient } from '../support/ssh/run-shared.ts';

const kex = 'curve25519-sha256';
const type = 'ssh-ed25519';
const known = publicBlobOf(generateHostKey());
const thief = generateKeyPairSync('ed25519');
const pointOf = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
const thiefBlob = Buffer.concat([Buffer.from(type), pointOf(thief.publicKey)].map(wireString));
const point = pointOf(generateKeyPairSync('x25519').publicKey);
const init = kexInit(kex, type);
const signature = sign(null, randomBytes(32), thief.privateKey);
const reply = (hostKey: Buffer, signed: Buffer, algorithm = type, half = point): Buffer =>
  kexReply(31, hostKey, half, algorithm, signed);
const forged = reply(known, signature);
const accepted = Buffer.concat([Buffer.of(6), wireString('ssh-userauth')]);
const success = Buffer.of(52);

const exchanges: Readonly<Record<string, readonly Buffer[]>> = {
  'a signature of something else': [init, forged, newKeys],
  'a signature of zeros': [init, reply(known, Buffer.alloc(64)), newKeys],
  'an empty signature': [init, reply(known, Buffer.alloc(0)), newKeys],
  'a signature that is cut short': [init, reply(known, signature.subarray(1)), newKeys],
  'a signature of another type': [init, reply(known, signature, 'rsa-sha2-512'), newKeys],
  'another host key': [init, reply(thiefBlob, signature), newKeys],
  'a host key of another type': [init, reply(Buffer.concat([wireString('ssh-rsa'), known]), signature), newKeys],
  'a host key that is cut short': [init, reply(known.subarray(0, -1), signature), newKeys],
  'a point of low order': [init, reply(known, signature, type, Buffer.alloc(32)), newKeys],
  'no answer': [init, newKeys],
  'no answer, and the login is said to be right': [init, newKeys, accepted, success],
  'the login is said to be right in the place of the answer': [init, success],
  'the service is accepted before the keys': [init, forged, accepted],
  'the login is said to be right after the keys': [init, forged, newKeys, accepted, success],
  'the keys twice': [init, forged, newKeys, newKeys],
  'the answer twice, at last with another key': [init, forged, reply(thiefBlob, signature), newKeys],
  'a second beginning': [init, forged, init, newKeys],
  'a wrong guess before the answer': [kexInit(`ecdh-sha2-nistp256,${kex}`, type, true), forged, forged, newKeys],
  'the answer of a group exchange': [init, kexReply(33, known, point, type, signature), newKeys],
  'an exchange that was not offered': [kexInit('diffie-hellman-group1-sha1', type), forged, newKeys],
};

/** The messages that may be sent unencrypted: KEXINIT, the client's half, NEWKEYS and DISCONNECT. */
const harmless = new Set([20, 30, 21, 1]);

/** Returns the message numbers of an exchange; -1 for other data. */
function messagesOf(sent: Buffer): readonly number[] {
  const found: number[] = [];
  let at = sent.indexOf('\r\n') + 2;
  while (at < sent.length) {
    const end = at + 5 <= sent.length ? at + 4 + sent.readUInt32BE(at) : Infinity;
    found.push(end <= sent.length ? sent.readUInt8(at + 5) : -1);
    at = end;
  }
  return found;
}

describe('a host key that is not proved', async () => {
  const dir = tempFolder();
  const knownHosts = path.join(dir, 'known_hosts');
  const privateKey = path.join(dir, 'key');
  let script: readonly Buffer[] = [];
  let sent: Promise<Buffer>;
  const answer = (socket: Socket): void => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => void parts.push(part));
    sent = new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(parts))));
    socket.write(Buffer.concat([Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), ...script.map(wirePacket)]));
  };
  const bastionKey = generateHostKey();
  const bastion = floodingServer('none', bastionKey);
  const { port } = await stoppedAfter(listen(answer));
  const gate = await stoppedAfter(listen((socket) => bastion.injectSocket(socket)));
  writeFileSync(privateKey, generateHostKey(), { mode: 0o600 });
  const lines = [
    `[127.0.0.1]:${port},[web-1]:${port} ${type} ${known.toString('base64')}`,
    `[127.0.0.1]:${gate.port} ${type} ${publicBlobOf(bastionKey).toString('base64')}`,
  ];
  writeFileSync(knownHosts, `${lines.join('\n')}\n`);

  const credentials: Readonly<Record<string, Partial<SshSettings>>> = {
    'a key': { privateKey },
    'a password': { password: new Secret({ kind: 'literal', value: 'a secret word' }) },
  };
  for (const [what, messages] of Object.entries(exchanges)) {
    for (const [way, proxyJump] of [
      ['directly', null],
      ['through a bastion', 'gate'],
    ] as const) {
      for (const [secret, own] of Object.entries(credentials)) {
        it(`${what}, ${way}, with ${secret}: nothing is sent`, async () => {
          script = messages;
          const place = { address: '127.0.0.1', port: gate.port };
          const shared = sharedFor({ bastions: [sshBastion('gate', { privateKey, knownHosts }, place)] });
          const settings = { username: 'u', knownHosts, ...own, ...(proxyJump === null ? {} : { proxyJump }) };
          const client = sshClient('web-1', settings, { address: '127.0.0.1', port });
          const { signal } = new AbortController();
          const limits = { tcpTimeoutMs: 3000, connectTimeoutMs: 700, signal };
          try {
            const error = await failure(transportFor(client, shared).connect({ ...limits, ahead: 'true' }));
            assert.equal(error.stage, 'handshake', error.message);
            const numbers = messagesOf(await sent);
            assert.ok(
              numbers.every((number) => harmless.has(number)),
              `${numbers.join()} after ${error.message}`,
            );
            // Through a bastion the connection may end before the first message is sent.
            if (proxyJump === null) assert.ok(numbers.includes(20), 'the exchange did not begin');
          } finally {
            await shared.close();
          }
        });
      }
    }
  }
});
