// Looks at every page with Chromium, in both colour schemes and in three sizes, and prints a line for each thing that is
// wrong. PAGES are the URLs, CHROMIUM the browser; SHOTS, where set, is a folder for pictures.
import { chromium } from 'playwright-core'

const pages = process.env.PAGES.split(' ')
const shots = process.env.SHOTS
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const wrong = (url, look, what) => console.log(`${new URL(url).pathname} ${look}: ${what}`)

// What is drawn on what, by WCAG 2: text 4.5 to 1 (large text 3 to 1), edges of fields and buttons 3 to 1.
const contrast = () => {
  const faults = []
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m[3] ?? 1 } }
  const light = ({ r, g, b }) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05) }
  const under = e => {
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c }
    return { r: 255, g: 255, b: 255 }
  }
  for (const e of document.querySelectorAll('body *')) {
    const s = getComputedStyle(e)
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.matches('input:not([type=hidden])')
    if (own) {
      const large = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 700
      const got = ratio(parse(s.color), under(e))
      if (got < (large ? 3 : 4.5)) faults.push(`contrast ${got.toFixed(2)} of <${e.localName}> "${(e.textContent || e.value).trim().slice(0, 30)}"`)
    }
    if (e.matches('input:not([type=hidden]), button')) {
      const got = ratio(parse(s.borderTopColor), under(e.parentElement))
      if (got < 3) faults.push(`contrast ${got.toFixed(2)} of the edge of <${e.localName}>`)
    }
  }
  return faults
}

// What a screen reader goes by.
const structure = () => {
  const faults = []
  const all = s => [...document.querySelectorAll(s)]
  if (document.documentElement.lang !== 'en') faults.push('no lang')
  if (!document.title) faults.push('no title')
  if (all('main').length !== 1) faults.push('not one main')
  if (all('h1').length !== 1) faults.push('not one h1')
  const ids = all('[id]').map(e => e.id)
  if (new Set(ids).size !== ids.length) faults.push('an id twice')
  for (const e of all('input:not([type=hidden])')) {
    if (!e.labels.length || !e.labels[0].textContent.trim()) faults.push('a field without a label: ' + e.name)
    for (const id of (e.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean)) if (!document.getElementById(id)) faults.push('aria-describedby leads nowhere: ' + id)
  }
  const first = document.querySelector('input:not([type=hidden])')
  if (first ? document.activeElement !== first : document.activeElement !== document.body) faults.push('the focus is on ' + document.activeElement.localName)
  if (all('script, img, iframe, link').length) faults.push('something that pages do without')
  for (const e of all('button, .button, input:not([type=hidden])')) {
    const { height } = e.getBoundingClientRect()
    if (height < 44) faults.push(`<${e.localName}> is ${height} px high`)
  }
  return faults
}

const overflow = () => document.documentElement.scrollWidth > window.innerWidth ? [`wider than the window: ${document.documentElement.scrollWidth}`] : []

for (const colorScheme of ['light', 'dark']) {
  for (const [size, width, zoom] of [['wide', 1024, 1], ['zoomed', 640, 2], ['narrow', 320, 1]]) {
    const look = `${colorScheme} ${size}`
    const context = await browser.newContext({ colorScheme, viewport: { width: width / zoom, height: 720 }, deviceScaleFactor: zoom, reducedMotion: 'reduce' })
    const page = await context.newPage()
    let url, requests
    page.on('console', m => m.text().includes('responded with a status of 400') || wrong(url, look, m.text()))
    page.on('request', r => requests.push(r.url()))
    for (url of pages) {
      requests = []
      await page.goto(url)
      for (const fault of [...await page.evaluate(contrast), ...await page.evaluate(structure), ...await page.evaluate(overflow)]) wrong(url, look, fault)
      const others = requests.filter(r => r !== url && !r.endsWith('/favicon.ico'))
      if (others.length) wrong(url, look, 'it loads ' + others)
      if (shots) await page.screenshot({ path: `${shots}/${new URL(url).pathname.slice(1)}-${colorScheme}-${size}.png`, fullPage: true })
      if (size !== 'wide') continue
      // By keyboard everything that can be used is reached, in order, and one sees where one is.
      const focus = () => page.evaluate(() => {
        const s = getComputedStyle(document.activeElement)
        return { at: [...document.querySelectorAll('a[href], button, input:not([type=hidden])')].indexOf(document.activeElement), seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 }
      })
      const want = await page.evaluate(() => document.querySelectorAll('a[href], button, input:not([type=hidden])').length)
      const steps = [await focus()]
      if (steps[0].at < 0) steps.pop()
      while (steps.length < want) {
        await page.keyboard.press('Tab')
        steps.push(await focus())
      }
      if (steps.some((s, i) => s.at !== i || !s.seen)) wrong(url, look, 'by keyboard: ' + JSON.stringify(steps))
    }
    await context.close()
  }
}
await browser.close()
