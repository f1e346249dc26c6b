/** The names of files in the folder of a fault run's mail server. Their lines are JSON. */
export const mailFiles = {
  /** Lines of MailEntry: the accepted mails. */
  journal: 'mails.jsonl',
  /** A MailPlan, which is used once. */
  plan: 'plan-mail.json',
  /** Lines of MailPlan: the instants at which the server killed itself. */
  strikes: 'mail-strikes.jsonl',
} as const;
