/** The clients that the benchmarks play: addresses, browsers and what those send. */

const chromium = [141, 140, 139, 138, 137]
const systems = ['Windows NT 10.0; Win64; x64', 'Macintosh; Intel Mac OS X 10_15_7', 'X11; Linux x86_64', 'Linux; Android 10; K']

/** Twenty browsers, as busy sites see them. */
export const userAgents: readonly string[] = chromium.flatMap((version) =>
  systems.map((system) => `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`),
)

export function userAgentOf(at: number): string {
  return userAgents[at % userAgents.length] ?? ''
}

export function addressOf(at: number): string {
  return `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`
}

export function subjectOf(at: number): string {
  return `user-${at}`
}

/** What a browser sends with a page's own request, beside `Host`. */
export function browserHeaders(at: number): readonly (readonly [string, string])[] {
  return [
    ['Connection', 'keep-alive'],
    ['sec-ch-ua', '"Chromium";v="141", "Not?A_Brand";v="8", "Google Chrome";v="141"'],
    ['sec-ch-ua-mobile', '?0'],
    ['sec-ch-ua-platform', '"Linux"'],
    ['User-Agent', userAgentOf(at)],
    ['Accept', 'application/json, text/plain, */*'],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Dest', 'empty'],
    ['Accept-Encoding', 'gzip, deflate, br, zstd'],
    ['Accept-Language', 'en-GB,en;q=0.9'],
  ]
}
