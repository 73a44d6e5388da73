"""The alert topic, the event rules and the queues behind them."""
