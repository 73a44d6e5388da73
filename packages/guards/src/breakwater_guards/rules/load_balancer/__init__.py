"""Rules for Application Load Balancers and what stands behind them."""
