/** The machine to which a fault belongs, by the last messages of the ssh of each machine on the route. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, test } from 'node:test';

import type { FleetError } from '../../../src/platform/errors/errors.ts';
import type { Hop } from '../../../src/transport/route/hop.ts';
import { hopLog, hopsFault, openHops, type OpensshHops } from '../../../src/transport/openssh/openssh-hops.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const hop = (name: string): Hop => ({
  name,
  kind: 'bastion',
  address: `${name}.example.org`,
  port: 22,
  family: 0,
  username: 'monitor',
  knownAs: name,
  knownHosts: [],
  policy: 'strict',
  kex: null,
  credentials: { password: null, privateKeys: [], passphrase: null, agent: null, identitiesOnly: true },
  connectTimeoutMs: null,
  sshConfig: { host: name, files: [], overruled: true },
  values: [],
});

const loggedIn = 'Authenticated to it ([192.0.2.1]:22) using "publickey".';
const reached = 'debug2: channel 0: open confirm rwindow 2097152 rmax 32768';
const freed = 'debug1: channel 0: free: direct-tcpip: listening port 0 for 127.0.0.1 port 22, nchannels 1';
const gone = 'debug2: channel 0: rcvd eof';
const connecting = 'debug1: Connecting to b0 [192.0.2.1] port 22.';
const established = 'debug1: Connection established.';
const greeted = 'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1';
const newKeys = 'debug1: SSH2_MSG_NEWKEYS received';
const killed = 'Killed by signal 1.';
const closed = 'Connection to it closed by remote host.';

/**
 * The logs of an ssh that reached the next machine. The names have the end of its channel (freed, or closed by that
 * machine) and the end of the ssh itself.
 */
const freedKilled = [loggedIn, reached, freed, killed];
const freedClosed = [loggedIn, reached, freed, closed];
const goneKilled = [loggedIn, reached, gone, killed];
const lost = 'Connection closed by UNKNOWN port 65535';
const leave = 'Received disconnect from 192.0.2.9 port 22:11: going down';
const firstBroke = /^bastion b0: the connection broke \(connect-failed\)$/;
const secondBroke = /^bastion b1: the connection broke \(connect-failed\)$/;

interface Ending {
  /** The lines of the ssh to each machine. */
  readonly hops: readonly (readonly string[])[];
  readonly clientLines: readonly string[];
  readonly late: string | null;
}

function faultOf({ hops, clientLines, late }: Ending): FleetError | null {
  return hopsFault({
    client: 'web-1',
    hops: hops.map((_, index) => hop(`b${index}`)),
    logs: hops.map((lines) => hopLog(lines.map((line) => `${line}\r\n`).join(''))),
    clientPlace: '192.0.2.9:22',
    clientLines,
    late,
  });
}

describe('whose fault the end of a connection is', () => {
  // The logs of the hops, the last line of the client's ssh, and the message; `null` if no machine on the route is at
  // fault.
  const cases: readonly {
    readonly what: string;
    readonly hops: readonly (readonly string[])[];
    readonly client: string;
    readonly expected: RegExp | null;
  }[] = [
    {
      what: 'the bastion says that it ends',
      hops: [freedClosed],
      client: closed,
      expected: /^bastion b0: the connection broke: Connection to it closed/,
    },
    {
      what: 'the bastion ends, and the ssh behind it was quicker than its words',
      hops: [freedKilled],
      client: closed,
      expected: firstBroke,
    },
    { what: 'the same during the login to the client', hops: [freedKilled], client: lost, expected: firstBroke },
    { what: 'the client ends, as its bastion says', hops: [goneKilled], client: closed, expected: null },
    { what: 'the client takes its leave', hops: [[loggedIn, reached, killed]], client: leave, expected: null },
    { what: 'the first of two ends', hops: [freedKilled, freedKilled], client: closed, expected: firstBroke },
    {
      what: 'the first of two ends, and the second says that it lost its wire',
      hops: [freedKilled, freedClosed],
      client: closed,
      expected: firstBroke,
    },
    {
      what: 'the second of two ends, as the first says',
      hops: [goneKilled, freedKilled],
      client: closed,
      expected: secondBroke,
    },
  ];
  for (const { what, hops, client, expected } of cases) {
    it(what, () => {
      const fault = faultOf({ hops, clientLines: [client], late: null });
      if (expected === null) assert.equal(fault, null);
      else {
        assert.ok(fault);
        assert.deepEqual([fault.code, fault.client], ['bastion-failed', 'web-1']);
        assert.match(fault.message, expected);
      }
    });
  }
});

describe('whose fault it is that a connection does not come about', () => {
  const refused = 'channel 0: open failed: connect failed: Connection refused';
  const cases: readonly {
    readonly what: string;
    readonly hops: readonly (readonly string[])[];
    readonly late: string | null;
    /** The code and the message. null if no machine on the route is at fault. */
    readonly expected: { readonly code: string; readonly says: RegExp } | null;
  }[] = [
    {
      what: 'the bastion cannot reach the client',
      hops: [[loggedIn, refused]],
      late: null,
      expected: { code: 'connect-refused', says: /^192\.0\.2\.9:22, dialled by bastion b0: Connection refused$/ },
    },
    {
      what: 'the first bastion cannot reach the second',
      hops: [[loggedIn, refused], []],
      late: null,
      expected: { code: 'bastion-failed', says: /^bastion b1: b1\.example\.org:22, dialled by bastion b0: Conn/ },
    },
    {
      what: 'the client does not answer in time',
      hops: [[loggedIn]],
      late: 'within 500 ms',
      expected: { code: 'connect-timeout', says: /^no answer from 192\.0\.2\.9:22 through bastion b0 within 500 ms$/ },
    },
    {
      what: 'the first bastion may not forward',
      hops: [[loggedIn, 'channel 0: open failed: administratively prohibited: open failed']],
      late: null,
      expected: { code: 'bastion-failed', says: /^bastion b0: / },
    },
    {
      what: 'the second bastion does not answer in time',
      hops: [[loggedIn], []],
      late: 'within 500 ms',
      expected: {
        code: 'bastion-failed',
        says: /^bastion b1: no answer from b1\.example\.org:22 through bastion b0 within 500 ms \(connect-timeout\)$/,
      },
    },
    ...(
      [
        ['', /ssh did not begin to connect to b0\.example\.org within 500 ms \(connect-timeout\)$/],
        ['debug1: resolving "b0" port 22', /b0\.example\.org did not resolve within 500 ms \(dns\)$/],
        [connecting, /no answer from b0\.example\.org port 22 within 500 ms \(connect-timeout\)$/],
        [`${connecting}\r\n${established}`, /the key exchange did not end within 500 ms \(handshake-timeout\)$/],
        [
          `${connecting}\r\n${established}\r\n${greeted}`,
          /the key exchange did not end within 500 ms \(handshake-timeout\)$/,
        ],
        [
          `${connecting}\r\n${established}\r\n${greeted}\r\n${newKeys}`,
          /no answer to the login within 500 ms \(auth-timeout\)$/,
        ],
      ] as const
    ).map(([line, says]) => ({
      what: `a bastion whose last word in time is "${line.slice(-30)}"`,
      hops: [[line]],
      late: 'within 500 ms',
      expected: { code: 'bastion-failed', says },
    })),
    { what: 'ssh ends while the bastion dials', hops: [[loggedIn]], late: null, expected: null },
    { what: 'the client is slow after TCP', hops: [[loggedIn, reached]], late: 'within 500 ms', expected: null },
  ];
  for (const { what, hops, late, expected } of cases) {
    it(what, () => {
      const fault = faultOf({ hops, clientLines: [], late });
      if (expected === null) assert.equal(fault, null);
      else {
        assert.equal(fault?.code, expected.code);
        assert.match(fault.message, expected.says);
      }
    });
  }
});

function opened(dir: string, ...hops: readonly Hop[]): OpensshHops {
  const route = { hops, address: '2001:db8::9', port: 22 };
  return openHops({ client: 'web-1', route, dir, tcpTimeoutMs: 1000, version: 902 });
}

test('the files of a route name each machine and the next one, and nobody else can read them', (t) => {
  const dir = path.join(tempFolder(t), 'route');
  const second = { ...hop('b1'), address: '2001:db8::1', port: 2222 };
  const odd = { ...second, sshConfig: { ...second.sshConfig, host: '-oProxyCommand=x' } };
  const { proxyCommand } = opened(dir, hop('b0'), odd);
  const read = (name: string): string => readFileSync(path.join(dir, name), 'utf8');
  assert.equal(read('0.to'), 'b0\nmonitor\n[2001:db8::1]:2222\n');
  // A name that ssh would take for an option is none of a host.
  assert.equal(read('1.to'), '2001:db8::1\nmonitor\n[2001:db8::9]:22\n');
  assert.match(read('0.config'), /^ProxyCommand none$/m);
  assert.match(read('1.config'), /^ProxyCommand \/bin\/sh "\$FLEET_HEALTH_HOP" 0$/m);
  assert.equal(proxyCommand, '/bin/sh "$FLEET_HEALTH_HOP" 1');
  const modes = [dir, path.join(dir, '0.to'), path.join(dir, '0.config')].map((file) => statSync(file).mode & 0o777);
  assert.deepEqual(modes, [0o700, 0o600, 0o600]);
});

test('the last machine dials once all are logged in, and a removed route has no fault', (t) => {
  const dir = path.join(tempFolder(t), 'route');
  const hops = opened(dir, hop('b0'), hop('b1'));
  const dialling = (...logs: readonly string[]): boolean => {
    for (const [index, log] of logs.entries()) writeFileSync(path.join(dir, `${index}.log`), `${log}\n`);
    return hops.dialling();
  };
  const both = `${loggedIn}\n${reached}`;
  assert.deepEqual(
    [dialling(), dialling(loggedIn, ''), dialling('', loggedIn), dialling(both, loggedIn), dialling(both, both)],
    [false, false, false, true, false],
  );
  assert.equal(hops.fault([]), null);
  dialling('');
  assert.equal(hops.fault([])?.code, 'bastion-failed');
  hops.remove();
  assert.deepEqual([existsSync(dir), hops.fault([])], [false, null]);
});

test('a machine that cannot be named to ssh is refused, and no file of the route is left', (t) => {
  const dir = path.join(tempFolder(t), 'route');
  assert.throws(() => opened(dir, hop('b0'), { ...hop('b1'), username: 'a\nb' }), {
    ...{ code: 'config-invalid', client: 'web-1' },
    message: 'web-1: "a\\nb" of b1 cannot be handed to ssh',
  });
  assert.equal(existsSync(dir), false);
});
