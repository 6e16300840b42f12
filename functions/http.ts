import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** A result whose bytes may come as a stream; only a front that `canStream` is given one. */
export interface HttpResult extends APIGatewayProxyStructuredResultV2 {
  stream?: AsyncIterable<Uint8Array>;
  /** Called once the client has what it gets, or is gone: a stream that waits for something ends then. */
  onClose?: () => void;
}

/** An event with its body; from a front in the same process it brings the bytes as they came, which spares four copies in base64. */
export interface FrontEvent extends APIGatewayProxyEventV2 {
  readonly bytes?: Buffer<ArrayBuffer>;
}

/** A JSON result that no cache keeps. */
export function json(statusCode: number, body: unknown): HttpResult {
  return {
    statusCode,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

/** The id segment of the route, or '' which no job has. */
export function idOf(event: APIGatewayProxyEventV2): string {
  return event.pathParameters?.id ?? '';
}

/** `x-reelay-status: native` asks for `cancelled` in `status`. Header names arrive in lower case. */
export function wantsNativeStatus(event: APIGatewayProxyEventV2): boolean {
  return event.headers['x-reelay-status'] === 'native';
}
