"""What the stories stand on: a chain, people with accounts, meters that sign, a committee that attests."""
