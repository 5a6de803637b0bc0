/** What may be sent to a messenger after its window: messages that the provider has approved. */

import { http, type Page } from "./http";

export interface Template {
  name: string;
  language: string;
  /** With {{1}}, {{2}}… for what is filled in. */
  text: string;
}

export const templates = (channel: string, language: string) =>
  http.get<Page<Template>>(`/api/v1/templates/${encodeURIComponent(channel)}`, { language });
