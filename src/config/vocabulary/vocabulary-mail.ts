import type { Attributes, ElementSpec } from './element-spec.ts';

/** The attributes that name the password of an element. */
export const secretAttributes: Attributes = {
  password: { kind: 'secret', help: 'The password itself; the file must then be readable by its owner alone.' },
  passwordFile: { kind: 'path', help: 'A file whose first line is the password.' },
  passwordEnv: { kind: 'variable', help: 'The environment variable that holds the password.' },
};

/** The element `<smtp>`. */
export const smtpElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    host: { kind: 'host', required: true, help: 'The mail server.' },
    port: { kind: 'port', help: 'Default 587 for starttls, 465 for tls, 25 for none.' },
    security: {
      words: ['none', 'starttls', 'tls'],
      help: 'Default starttls; tls when port is 465; none when host is this machine.',
    },
    username: { kind: 'text', help: 'Login at the mail server. Default: no login.' },
    ...secretAttributes,
    from: { kind: 'sender', help: 'Sender of every mail. Default: fleet-health at the name of this machine.' },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
    verify: { words: ['yes', 'no'], help: "Whether the server's certificate is checked. Default yes." },
    fallback: {
      kind: 'email',
      words: ['none'],
      help:
        'Gets what no one else would: default rules and conditions of clients without recipients. Default: ' +
        'nobody.',
    },
    maxMailsPerHour: { kind: 'count', help: 'For each recipient; new critical alerts always go. Default 12.' },
  },
  help: 'The mail server. Without it mails only reach the folder outbox/.',
};

/** The element `<replies>`. */
export const repliesElement: ElementSpec = {
  parents: ['config'],
  single: true,
  attributes: {
    imap: {
      kind: 'imap',
      required: true,
      help:
        'The mailbox that replies come to, like imaps://fleet@imap.example.org/INBOX; imap:// is encrypted by ' +
        'STARTTLS, or not at all when the host is this machine.',
    },
    ...secretAttributes,
    address: {
      kind: 'email',
      help:
        'Its mail address, to which +TOKEN is added before the @. Default: the login, at the domain of `<smtp>` from ' +
        'unless the login has one.',
    },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
  },
  help: 'A mailbox: who replies "ack" to a mail acknowledges its alerts.',
};
