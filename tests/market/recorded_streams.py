"""What Kraken's and Coinbase's WebSockets send, word for word: of their documentation, and recorded from the wire.

Documentation: docs.kraken.com, WebSocket v2, pages `ticker` and `ohlc`; docs.cdp.coinbase.com, Advanced Trade WebSocket
channels. Recorded: wss://ws.kraken.com/v2 on 2026-09-07 and 2026-09-10, wss://advanced-trade-ws.coinbase.com on
2024-05-24, 2026-09-01 and 2026-09-05, published by those who listened. Prices and times are the exchanges'.
"""

KRAKEN_STATUS = """{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",
"connection_id":16174536464690282295,"upcoming_maintenance":[],"emergency":[]}]}"""
KRAKEN_HEARTBEAT = '{"channel":"heartbeat"}'
KRAKEN_SUBSCRIBED = """{"method":"subscribe","result":{"channel":"ohlc","interval":1,"snapshot":true,
"symbol":"BTC/USDT","warnings":["timestamp is deprecated, use interval_begin"]},
"success":true,"time_in":"2026-09-10T17:44:43.105193Z","time_out":"2026-09-10T17:44:43.105248Z"}"""
KRAKEN_REFUSED = """{"error":"Currency pair not supported XBT/USDT","method":"subscribe","success":false,
"symbol":"XBT/USDT","time_in":"2026-09-10T17:44:44.609516Z","time_out":"2026-09-10T17:44:44.609555Z"}"""
KRAKEN_TICKER_DOCUMENTED = """{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.10025,
"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,
"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,"timestamp":"2023-09-25T09:04:31.742648Z"}]}"""
KRAKEN_TICKER = """{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USDT","bid":79112.0,"bid_qty":0.13,
"ask":79112.1,"ask_qty":0.0085,"last":79102.6,"volume":144.457,"vwap":79709.8,"low":78700.0,"high":80536.3,
"change":-525.8,"change_pct":-0.66,"trades":4461,"timestamp":"2026-09-07T17:10:51.548832Z"}]}"""
KRAKEN_UPDATE = """{"channel":"ohlc","type":"update","timestamp":"2026-09-10T17:35:52.114514810Z","data":[
{"symbol":"BTC/USDT","open":77499.9,"high":77509.2,"low":77467.5,"close":77509.2,"trades":15,"volume":0.58051276,
"vwap":77482.2,"interval_begin":"2026-09-10T17:35:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:36:00.000000Z"}]}"""
# Nine minutes; of 17:36, 17:37 and 17:42 nothing is said: nobody traded then.
KRAKEN_SNAPSHOT = """{"channel":"ohlc","type":"snapshot","timestamp":"2026-09-10T17:44:43.105760475Z","data":[
{"symbol":"BTC/USDT","open":77400.0,"high":77445.8,"low":77400.0,"close":77416.3,"trades":15,"volume":0.25302078,
"vwap":77416.2,"interval_begin":"2026-09-10T17:32:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:33:00.000000Z"},
{"symbol":"BTC/USDT","open":77415.4,"high":77415.4,"low":77397.1,"close":77397.1,"trades":5,"volume":0.03771523,
"vwap":77414.0,"interval_begin":"2026-09-10T17:33:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:34:00.000000Z"},
{"symbol":"BTC/USDT","open":77448.9,"high":77468.8,"low":77446.3,"close":77468.8,"trades":4,"volume":0.04470301,
"vwap":77452.9,"interval_begin":"2026-09-10T17:34:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:35:00.000000Z"},
{"symbol":"BTC/USDT","open":77499.9,"high":77509.2,"low":77467.5,"close":77509.2,"trades":15,"volume":0.58051276,
"vwap":77482.2,"interval_begin":"2026-09-10T17:35:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:36:00.000000Z"},
{"symbol":"BTC/USDT","open":77427.0,"high":77427.0,"low":77384.2,"close":77384.2,"trades":5,"volume":0.04314517,
"vwap":77406.5,"interval_begin":"2026-09-10T17:38:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:39:00.000000Z"},
{"symbol":"BTC/USDT","open":77369.7,"high":77369.7,"low":77369.7,"close":77369.7,"trades":1,"volume":0.01427209,
"vwap":77369.7,"interval_begin":"2026-09-10T17:39:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:40:00.000000Z"},
{"symbol":"BTC/USDT","open":77363.9,"high":77363.9,"low":77324.6,"close":77326.4,"trades":5,"volume":0.03288232,
"vwap":77335.4,"interval_begin":"2026-09-10T17:40:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:41:00.000000Z"},
{"symbol":"BTC/USDT","open":77357.1,"high":77370.1,"low":77357.1,"close":77370.1,"trades":2,"volume":0.00208254,
"vwap":77369.2,"interval_begin":"2026-09-10T17:41:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:42:00.000000Z"},
{"symbol":"BTC/USDT","open":77351.6,"high":77351.6,"low":77327.3,"close":77340.1,"trades":17,"volume":1.29749671,
"vwap":77343.9,"interval_begin":"2026-09-10T17:43:00.000000000Z","interval":1,"timestamp":"2026-09-10T17:44:00.000000Z"}]}"""

COINBASE_SUBSCRIBED = """{"channel":"subscriptions","timestamp":"2026-09-05T22:10:29.562097895Z","sequence_num":2,
"events":[{"subscriptions":{"ticker":["BTC-PERP-INTX","ETH-PERP-INTX"]}}]}"""
COINBASE_HEARTBEAT = """{"channel":"heartbeats","timestamp":"2026-09-05T22:10:30.260465255Z","sequence_num":4,
"events":[{"current_time":"2026-09-05 22:10:30.25788961 +0000 UTC m=+139651.272674714","heartbeat_counter":139651}]}"""
COINBASE_ERROR = '{"type":"error","message":"authentication failure"}'
# A ticker as documented; `ticker_batch` has the same shape without the best bid and ask, says that page.
COINBASE_DOCUMENTED = """{"channel":"ticker_batch","client_id":"","timestamp":"2023-02-09T20:30:37.167359596Z",
"sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"21932.98",
"volume_24_h":"16038.28770938","low_24_h":"21835.29","high_24_h":"23011.18","low_52_w":"15460","high_52_w":"48240",
"price_percent_chg_24_h":"-4.15775596190603"}]}]}"""
COINBASE_DOGE = """{"channel":"ticker_batch","client_id":"","timestamp":"2023-03-01T12:15:18.382173051Z",
"sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"DOGE-USD","price":"0.08212",
"volume_24_h":"242556423.3","low_24_h":"0.07989","high_24_h":"0.08308","low_52_w":"0.04908","high_52_w":"0.1801",
"price_percent_chg_24_h":"0.50177456859626"}]}]}"""
COINBASE_BATCH = """{"channel":"ticker_batch","timestamp":"2026-09-01T10:16:18.822710088Z","sequence_num":2,"events":[
{"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"77863.33",
"price_percent_chg_24_h":"-0.70998379242057"}]}]}"""
COINBASE_EMPTY = """{"channel":"ticker_batch","client_id":"","timestamp":"2024-05-24T18:22:24.546809523Z",
"sequence_num":1,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":"","price":"","volume_24_h":"","low_24_h":"",
"high_24_h":"","low_52_w":"","high_52_w":"","price_percent_chg_24_h":""}]}]}"""
