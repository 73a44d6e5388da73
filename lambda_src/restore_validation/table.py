"""A restored DynamoDB table and its contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.responses import error_code
from restore_validation.logic import Contents

# Reading costs read capacity: a part of a large table shows that it holds data. More pages are read only if the part
# holds fewer items than are expected, and never more than the function has time for.
ENOUGH_PAGES, MOST_PAGES, PAGE_SIZE = 10, 300, 1000
# Items that the functions themselves keep in the table do not prove that the application's data was restored.
OPERATIONS_PREFIX = "operations#"


@dataclass(frozen=True)
class RestoredTable:
    """One restored table.

    Attributes:
        dynamodb: DynamoDB client.
        name: Name of the table.
        attribute: Attribute with the time of an item in seconds since 1970; empty if times are not checked.
        expected: Number of items to look for.
    """

    dynamodb: Any
    name: str
    attribute: str
    expected: int

    def read_status(self) -> str | None:
        """Return the table's status; ``None`` if the table does not exist.

        Raises:
            ClientError: DynamoDB rejects the request.
        """
        try:
            return str(self.dynamodb.describe_table(TableName=self.name)["Table"]["TableStatus"])
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise

    def read_contents(self) -> Contents:
        """Count the items on the first pages, and find the latest time among them.

        Raises:
            ClientError: DynamoDB rejects a request.
            BotoCoreError: DynamoDB does not answer.
        """
        times: list[float] = []
        count, complete = 0, True
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.name,
            FilterExpression="NOT begins_with(#key, :operations)",
            ProjectionExpression="#key, #time" if self.attribute else "#key",
            ExpressionAttributeNames={"#key": "pk", **({"#time": self.attribute} if self.attribute else {})},
            ExpressionAttributeValues={":operations": {"S": OPERATIONS_PREFIX}},
            PaginationConfig={"PageSize": PAGE_SIZE},
        )
        for number, page in enumerate(pages, start=1):
            count += len(page["Items"])
            times += [float(item[self.attribute]["N"]) for item in page["Items"] if "N" in item.get(self.attribute, {})]
            if number == MOST_PAGES or (number >= ENOUGH_PAGES and count >= self.expected):
                complete = "LastEvaluatedKey" not in page
                break
        return Contents("items", count, count, max(times, default=None), complete)
