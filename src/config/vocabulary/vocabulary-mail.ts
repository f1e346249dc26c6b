import type { Attributes, ElementSpec } from './element-spec.ts';

/** The attributes that name the password of an element. */
export const secretAttributes: Attributes = {
  password: { kind: 'secret', help: 'The password; then only the owner of the file may be able to read it.' },
  passwordFile: { kind: 'path', help: 'A file whose first line is the password.' },
  passwordEnv: { kind: 'variable', help: 'The environment variable that holds the password.' },
};

/** The element `<smtp>`. */
export const smtpElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    host: { kind: 'host', required: true, help: 'The mail server.' },
    port: { kind: 'port', help: 'The port. Default 587 for starttls, 465 for tls, 25 for none.' },
    security: {
      words: ['none', 'starttls', 'tls'],
      help: 'The encryption. Default starttls; tls for port 465; none for this machine.',
    },
    username: { kind: 'text', help: 'Login at the mail server. Default: no login.' },
    ...secretAttributes,
    from: { kind: 'sender', help: 'The sender of all mails. Default: fleet-health at the name of this machine.' },
    helo: {
      kind: 'greeting',
      help:
        'The name by which this machine greets the server (EHLO), like monitor.example.org. Default: its full name, ' +
        'or else its name and the domain of from.',
    },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
    verify: { words: ['yes', 'no'], help: "no: the server's certificate is not checked. Default yes." },
    proxy: {
      kind: 'proxy',
      help: 'The HTTP proxy (CONNECT), like http://proxy:3128, or environment: HTTPS_PROXY and NO_PROXY. Default none.',
    },
    fallback: {
      kind: 'email',
      words: ['none'],
      help: 'The recipient of alerts without any other recipient. Default: nobody.',
    },
    maxMailsPerHour: {
      kind: 'count',
      help: 'The largest number of mails to a recipient in an hour; new critical alerts are always sent. Default 12.',
    },
  },
  help: 'The mail server. Without it mails become files in outbox/.',
};

/** The element `<canary>`. */
export const canaryElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    to: {
      kind: 'email',
      required: true,
      help: 'The address of the canary, whose mails must end in the mailbox of `<replies>` (docs/mail.md).',
    },
    every: {
      kind: 'duration',
      help: 'The time between two canaries: 2h, 3h, 4h, 6h, 8h, 12h, or 1d to 7d. Default 1d.',
    },
    at: { kind: 'clock', help: 'The time of day of a canary, in the zone of `<alerts>`. Default 04:10.' },
  },
  help: 'A mail that shows each day whether mails arrive; if it does not come back, `mail-path` fires.',
};

/** The element `<replies>`. */
export const repliesElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    imap: {
      kind: 'imap',
      help:
        'The mailbox of replies, like imaps://fleet@imap.example.org/INBOX; imap:// uses STARTTLS, or no ' +
        'encryption if the host is this machine. Default: none; then links is needed.',
    },
    ...secretAttributes,
    address: {
      kind: 'email',
      help:
        'The address of the mailbox, to which +TOKEN is added before the @. Default: the login, with the domain ' +
        'of from in `<smtp>` unless the login has one.',
    },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
    links: {
      words: ['yes', 'no'],
      help: 'yes: mails have a link to a page with a button that acknowledges; needs url in `<serve>`. Default no.',
    },
  },
  help: 'Answers to mails, such as the reply "ack" or a link, which acknowledge their alerts.',
};
