import type { GateAnswer, Question } from './gate-answer.ts';
import { readAnswer } from './gate-answer.ts';
import type { ServerRequest } from './server-client.ts';

/** The request of a question, whose answer is read as one to that question and no other. */
export function gateRequest(question: Question): ServerRequest<GateAnswer> {
  const reading = { what: 'decision', read: (text: string) => readAnswer(text, question) };
  if (question.kind === 'state') {
    const path = `/v1/state/${encodeURIComponent(question.service)}/${encodeURIComponent(question.environment)}`;
    return { ...reading, method: 'GET', path };
  }
  const body = JSON.stringify({ sloID: question.sloId, forceFresh: question.fresh });
  return { ...reading, method: 'POST', path: '/v1/gate/decision', body };
}
