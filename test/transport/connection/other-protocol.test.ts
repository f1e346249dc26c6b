import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otherProtocol } from '../../../src/transport/connection/other-protocol.ts';

const cases: readonly (readonly [beginning: string, says: string | null])[] = [
  ['220 mx.example.org ESMTP Postfix\r\n', 'SMTP answers there, not SSH: "220 mx.example.org ESMTP Postfix"'],
  ['220-mx.example.org\r\n220 ESMTP\r\n', 'SMTP answers there, not SSH: "220-mx.example.org"'],
  ['220 (vsFTPd 3.0.3)\r\n', 'FTP answers there, not SSH: "220 (vsFTPd 3.0.3)"'],
  [
    '* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n',
    'IMAP answers there, not SSH: "* OK [CAPABILITY IMAP4rev1] Dovecot ready."',
  ],
  ['+OK POP3 ready\r\n', 'POP3 answers there, not SSH: "+OK POP3 ready"'],
  ['HTTP/1.1 400 Bad Request\r\n', 'HTTP answers there, not SSH: "HTTP/1.1 400 Bad Request"'],
  ['421 Too many connections\r\n', 'SMTP answers there, not SSH: "421 Too many connections"'],
  ['554-refused\r\n', 'SMTP answers there, not SSH: "554-refused"'],
  ['* PREAUTH ready\r\n', 'IMAP answers there, not SSH: "* PREAUTH ready"'],
  ['* BYE busy\r\n', 'IMAP answers there, not SSH: "* BYE busy"'],
  ['<!doctype html>\n', 'HTTP answers there, not SSH: "<!doctype html>"'],
  ['<html><body>', 'HTTP answers there, not SSH: "<html><body>"'],
  ['<?xml version="1.0"?>', 'HTTP answers there, not SSH: "<?xml version=\\"1.0\\"?>"'],
  ['\x4f\0\0\0\xffHost is blocked', 'MySQL answers there, not SSH'],
  [`220 ${'x'.repeat(96)}\r\n`, `SMTP answers there, not SSH: "220 ${'x'.repeat(96)}"`],
  [`220 ${'x'.repeat(97)}\r\n`, `SMTP answers there, not SSH: "220 ${'x'.repeat(95)}…"`],
  ['220', null],
  ['* OKAY', null],
  ['RFB 38', null],
  ['RFB 003.008\n', 'VNC answers there, not SSH: "RFB 003.008"'],
  ['\x15\x03\x01\0\x02\x02\x16', 'TLS answers there, not SSH'],
  ['\x4a\0\0\0\n10.11.6-MariaDB', 'MySQL answers there, not SSH'],
  ['\xff\xfd\x18', 'telnet answers there, not SSH'],
  ['SSH-1.5-Cisco-1.25\n', 'SSH 1.5 alone answers there (Cisco-1.25), which is neither safe nor spoken here'],
  ['SSH-1.99-Cisco-1.25\n', null],
  ['SSH-2.0-OpenSSH_9.2\r\n', null],
  ['Welcome to web-1\r\nSSH-2.0-x\r\n', null],
  ['Not allowed at this time\r\n', null],
  ['', null],
];
for (const [beginning, says] of cases) {
  test(`a server that begins with ${JSON.stringify(beginning)}`, () => assert.equal(otherProtocol(beginning), says));
}
