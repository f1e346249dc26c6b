/** The one file that knows nodemailer: its SMTP conversation and its MIME writer. */
export { default as MailComposer } from 'nodemailer/lib/mail-composer';
export { default as SMTPConnection } from 'nodemailer/lib/smtp-connection';
