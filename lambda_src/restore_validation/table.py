"""Reads a restored DynamoDB table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from restore_validation.logic import Contents

# How much of a large table is read: it costs read capacity, and a sample proves as much as the whole.
PAGES, ITEMS_ON_A_PAGE = 10, 1000
# What these functions keep in the table themselves is no proof that the application's data came back.
OURS = "operations#"


@dataclass(frozen=True)
class RestoredTable:
    """One restored table.

    Args:
        dynamodb: client.
        name: of the table.
        attribute: attribute with the time of an item in seconds since 1970; empty: nobody asks.
    """

    dynamodb: Any
    name: str
    attribute: str

    def status(self) -> str | None:
        """Return the table's status; ``None`` when it is gone.

        Raises:
            ClientError: DynamoDB refuses to tell.
        """
        try:
            return str(self.dynamodb.describe_table(TableName=self.name)["Table"]["TableStatus"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def read(self) -> Contents:
        """Count its first items and find the newest among them.

        Raises:
            ClientError: DynamoDB refuses.
        """
        times: list[float] = []
        count = 0
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.name,
            FilterExpression="NOT begins_with(#key, :ours)",
            ProjectionExpression="#key, #time" if self.attribute else "#key",
            ExpressionAttributeNames={"#key": "pk", **({"#time": self.attribute} if self.attribute else {})},
            ExpressionAttributeValues={":ours": {"S": OURS}},
            PaginationConfig={"PageSize": ITEMS_ON_A_PAGE},
        )
        for number, page in enumerate(pages, start=1):
            count += len(page["Items"])
            times += [float(item[self.attribute]["N"]) for item in page["Items"] if "N" in item.get(self.attribute, {})]
            if number == PAGES:
                break
        return Contents("items", count, count, max(times, default=None))
