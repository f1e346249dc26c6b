import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serverChecks, type ServerKind } from '../../../src/report/server-checks.ts';
import { checkStats } from '../../../src/report/checks/checks.ts';

const now = '2026-11-22T12:00:00.000Z';

/** Returns the state, the text and the figures of facts. */
function said(kind: ServerKind, facts: readonly string[], exit = 0): string {
  const check = { name: `${kind}:x`, format: kind, exit, why: null, output: facts.join('\n'), age_s: 0 } as const;
  const [row] = checkStats({ datetime: now, checks: [check] });
  return `${row?.state} ${row?.text}${row?.perfdata === '' ? '' : ` | ${row?.perfdata}`}`;
}

const at = ['allowed=10', 'host=shop.example.org', 'at=shop.example.org:443', 'address=192.0.2.80:443'];
const good = [...at, 'status=200 OK', 'seconds=0.2'];

/** The facts of an answer, and its judgement. */
const answers: readonly (readonly [kind: ServerKind, facts: readonly string[], said: string])[] = [
  ['http', good, '0 200 OK after 0.2 s | seconds=0.2s status=200'],
  ['http', [...at, 'status=200', 'seconds=0.0123'], '0 200 after 0.012 s | seconds=0.0123s status=200'],
  [
    'http',
    [...at, 'status=502 Bad Gateway', 'seconds=12.34'],
    '2 502 Bad Gateway after 12.3 s | seconds=12.34s status=502',
  ],
  [
    'http',
    ['want=status=200,401', ...at, 'status=401 No', 'seconds=1'],
    '0 401 No after 1.0 s | seconds=1s status=401',
  ],
  [
    'http',
    ['want=status=200-204', ...at, 'status=205 No', 'seconds=1'],
    '2 205 No after 1.0 s | seconds=1s status=205',
  ],
  [
    'http',
    [...good, 'lacks=up ', 'begins=\t<html>  |x=1;2'],
    '2 body lacks "up ": begins "<html> |x=1;2"; 200 OK after 0.2 s | seconds=0.2s status=200',
  ],
  ['http', [...good, 'has=error'], '2 body has "error"; 200 OK after 0.2 s | seconds=0.2s status=200'],
  [
    'http',
    ['want=slow=150ms', ...good],
    '1 slow: 0.2 s, more than 0.1 s; 200 OK after 0.2 s | seconds=0.2s;0.15 status=200',
  ],
  [
    'http',
    ['want=slow=0.1s,150ms', ...good],
    '2 slow: 0.2 s, more than 0.1 s; 200 OK after 0.2 s | seconds=0.2s;0.1;0.15 status=200',
  ],
  [
    'http',
    [...good, 'end=Nov 27 12:00:00 2026 GMT'],
    '2 certificate ends in 5 days; 200 OK after 0.2 s | seconds=0.2s status=200 days=5;21:;7:',
  ],
  [
    'http',
    ['want=warning=9d', 'want=critical=96h', ...good, 'end=Nov 27 12:00:00 2026 GMT'],
    '1 certificate ends in 5 days; 200 OK after 0.2 s | seconds=0.2s status=200 days=5;9:;4:',
  ],
  [
    'http',
    ['want=verify=no', ...good, 'end=Nov 20 12:00:00 2026 GMT'],
    '0 200 OK after 0.2 s | seconds=0.2s status=200 days=-2;21:;7:',
  ],
  [
    'http',
    ['want=verify=no', 'want=critical=7d', ...good, 'end=Nov 20 12:00:00 2026 GMT'],
    '2 certificate expired 2 days ago; 200 OK after 0.2 s | seconds=0.2s status=200 days=-2;21:;7:',
  ],
  [
    'http',
    ['first=connect ECONNREFUSED', ...good],
    '0 200 OK after 0.2 s; a second before: connect: refused by 192.0.2.80:443 | seconds=0.2s status=200',
  ],
  [
    'http',
    [...at, 'status=302 Found', 'seconds=1', 'location=https://www.example.org/'],
    '0 302 Found after 1.0 s, to "https://www.example.org/", which is not followed | seconds=1s status=302',
  ],
  ['http', at, '3 no whole answer of the agent'],
  [
    'tcp',
    ['at=a:25', 'seconds=0.2', 'begins=220 a'],
    '0 connected to a:25 after 0.2 s, answer begins "220 a" | seconds=0.2s',
  ],
  [
    'tcp',
    ['at=a:25', 'seconds=0.2', 'lacks=220', 'begins=554 no'],
    '2 answer lacks "220": begins "554 no" | seconds=0.2s',
  ],
  ['dns', ['host=a.example', 'value=192.0.2.1', 'seconds=0.2'], '0 a.example A is 192.0.2.1 | seconds=0.2s'],
  [
    'dns',
    ['want=type=MX', 'want=expect=10 MX.example.', 'host=a.example', 'value=10 mx.example', 'seconds=0.2'],
    '0 a.example MX is 10 mx.example | seconds=0.2s',
  ],
  [
    'dns',
    ['want=expect=192.0.2.1,192.0.2.2', 'host=a.example', 'value=192.0.2.1', 'seconds=0.2'],
    '2 a.example A lacks 192.0.2.2: it is 192.0.2.1 | seconds=0.2s',
  ],
  ['dns', ['host=a.example', 'seconds=0.2'], '2 name: a.example A has no value | seconds=0.2s'],
];

test('the facts of servers become a state and words', () => {
  for (const [kind, facts, expected] of answers) assert.equal(said(kind, facts), expected);
});

/** Faults as Node.js, curl, GNU wget and BusyBox word them. */
const faults: readonly (readonly [words: string, faults: readonly string[]])[] = [
  [
    '2 name: shop.example.org does not exist',
    ['name ENOTFOUND getaddrinfo ENOTFOUND shop.example.org', 'name NXDOMAIN'],
  ],
  [
    '2 name: shop.example.org does not resolve',
    [
      'name EAI_AGAIN getaddrinfo EAI_AGAIN shop.example.org',
      'name curl: (6) Could not resolve host: shop.example.org',
    ],
  ],
  [
    '2 connect: refused by 192.0.2.80:443',
    [
      'connect ECONNREFUSED connect ECONNREFUSED 192.0.2.80:443',
      'connect connect to 192.0.2.80 port 443 failed: Connection refused',
    ],
  ],
  [
    '2 connect: no route to 192.0.2.80:443',
    ['connect EHOSTUNREACH connect EHOSTUNREACH', 'connect failed: No route to host'],
  ],
  ['2 connect: no network to 192.0.2.80:443', ['connect ENETUNREACH x', 'connect Network is unreachable']],
  [
    '2 connect: no answer within 10 s',
    ['connect timeout', 'connect ETIMEDOUT connect ETIMEDOUT 192.0.2.80:443', 'connect Connection timed out'],
  ],
  [
    '2 TLS: certificate is not for shop.example.org, but for www.example.org, example.org',
    [
      'tls ERR_TLS_CERT_ALTNAME_INVALID Host: shop.example.org. is not in the ' +
        "cert's altnames: DNS:www.example.org, DNS:example.org",
    ],
  ],
  [
    '2 TLS: certificate is not for shop.example.org',
    [
      "tls ERR_TLS_CERT_ALTNAME_INVALID IP: 192.0.2.80 is not in the cert's list: ",
      "tls curl: (60) SSL: no alternative certificate subject name matches target host name 'shop.example.org'",
      "tls The certificate's owner does not match hostname",
    ],
  ],
  [
    '2 TLS: certificate has expired',
    ['tls CERT_HAS_EXPIRED certificate has expired', 'tls curl: (60) SSL certificate problem: certificate has expired'],
  ],
  [
    '2 TLS: certificate is not yet valid',
    [
      'tls CERT_NOT_YET_VALID certificate is not yet valid',
      'tls curl: (60) SSL certificate problem: certificate is not yet valid',
    ],
  ],
  [
    '2 TLS: unable to get local issuer certificate',
    [
      'tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY unable to get local issuer certificate',
      'tls SSL certificate problem: unable to get local issuer certificate',
    ],
  ],
  [
    '2 TLS: unsupported protocol',
    [
      'tls EPROTO 40:error:0A000102:SSL routines:ssl_choose_client_version:unsupported protocol:../ssl.c:1:',
      'tls curl: (35) error:0A000102:SSL routines::unsupported protocol',
    ],
  ],
  [
    '2 TLS: 192.0.2.80:443 speaks no TLS',
    [
      'tls EPROTO error:0A00010B:SSL routines:ssl3_get_record:wrong version number:x',
      'tls curl: (35) error:0A00010B:SSL routines::wrong version number',
    ],
  ],
  [
    '2 TLS: connection closed',
    [
      'tls ECONNRESET Client network socket disconnected before secure TLS connection was established',
      'tls curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to a:443',
    ],
  ],
  [
    '2 answer: closed without an answer',
    ['answer ECONNRESET socket hang up', 'answer curl: (52) Empty reply from server'],
  ],
  [
    '2 answer: connection reset',
    ['answer ECONNRESET read ECONNRESET', 'answer curl: (56) Recv failure: Connection reset by peer'],
  ],
  [
    '2 answer: is no HTTP',
    ['answer HPE_INVALID_CONSTANT Parse Error: Expected HTTP/', 'answer curl: (1) Received HTTP/0.9 when not allowed'],
  ],
  [
    '2 answer: no answer within 10 s',
    ['answer timeout', 'answer curl: (28) Operation timed out after 10001 milliseconds with 0 bytes received'],
  ],
  [
    '2 body: ended before its end',
    [
      'body ECONNRESET aborted',
      'body curl: (18) transfer closed with 96 bytes remaining to read',
      'body curl: (18) end of response with 96 bytes missing, transfer closed with outstanding read data remaining',
    ],
  ],
  ['3 curl or wget is missing on the client', ['missing curl or wget']],
  ['2 connect: something else', ['connect EWHATEVER something else']],
];

test('a fault has the same words, whatever program tells it', () => {
  for (const [words, told] of faults) {
    for (const fault of told) assert.equal(said('http', [`fault=${fault}`, ...at], 1), words, fault);
  }
  assert.equal(
    said('http', ['first=connect ECONNREFUSED', 'fault=connect ECONNREFUSED', ...at], 1),
    '2 connect: refused by 192.0.2.80:443, twice',
  );
  assert.match(
    said('http', ['fault=name timeout', 'allowed=9', 'host=a'], 1),
    /^2 name: no answer about a from the resolver within 9 s$/,
  );
});

test('the forms of options mean the same to JavaScript and to awk', () => {
  for (const [kind, { options }] of Object.entries(serverChecks)) {
    for (const [option, form] of Object.entries(options)) {
      // Backslashes and counts differ, and a quote would end the text of awk.
      assert.doesNotMatch(form, /[\\{}'"]|\(\?/, `${kind} ${option}`);
    }
  }
});
