/**
 * The mail server of a machine, in its network: mail-server.ts PORT CERTIFICATE FILE. CERTIFICATE holds the key too.
 * Writes each accepted mail to FILE, as a line of JSON.
 */
import { appendFileSync, readFileSync } from 'node:fs';

import { startSmtpServer } from '../support/servers/smtp-server.ts';

const [, , port = '', certificate = '', file = ''] = process.argv;
const pem = readFileSync(certificate, 'utf8');
let written = 0;
const server = await startSmtpServer({
  port: Number(port),
  certificate: { keyFile: certificate, certFile: certificate, key: pem, cert: pem },
  act: ({ phase }) => {
    const accepted = phase === 'quit' ? server.mails.slice(written) : [];
    for (const mail of accepted) appendFileSync(file, `${JSON.stringify(mail)}\n`);
    written += accepted.length;
    return undefined;
  },
});
