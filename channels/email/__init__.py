"""E-mail: one mailbox read by IMAP, answered by SMTP."""
