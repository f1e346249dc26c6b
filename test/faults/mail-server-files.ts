/** Names in the folder of a fault run's mail server. Lines of the files are JSON. */
export const mailFiles = {
  /** MailEntry: what was taken. */
  journal: 'mails.jsonl',
  /** A MailPlan, for once. */
  plan: 'plan-mail.json',
  /** MailPlan: how the server killed itself. */
  strikes: 'mail-strikes.jsonl',
} as const;
